/**
 * Makes the images every lab starts with, from Debian packages: pause, busybox and the example web server in two versions.
 *
 * They need no registry. `npm start` runs this once; the archives and a containerd root that already holds them stay in
 * `/var/lib/kubelab/images`, so that a new node starts with a copy instead of an import.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { seedContainerdRoot } from './containerd-seed.ts'
import { type ImageConfig, type ImageFile, writeOciArchive } from './oci-archive.ts'

const run = promisify(execFile)
const IMAGES = '/var/lib/kubelab/images'
const web = (version: string): ImageConfig => ({
  name: `docker.io/kubelab/web:${version}`,
  entrypoint: ['/usr/bin/perl', '/server.pl'],
  env: [`WEB_VERSION=${version}`],
})

/** A program with the libraries that the loader will ask for, at the paths where it will look. */
async function withLibraries(source: string, target: string): Promise<ImageFile[]> {
  const files: ImageFile[] = [{ path: target, content: await readFile(source), mode: 0o755 }]
  const { stdout } = await run('ldd', [source])
  for (const [, library] of stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)) {
    files.push({ path: library!, content: await readFile(await realpath(library!)), mode: 0o755 })
  }
  return files
}

/** A machine that never asked, or cleaned up after itself, has no package lists. */
async function download(name: string, folder: string): Promise<void> {
  const once = () => run('apt-get', ['download', '-q', name], { cwd: folder })
  await once().catch(async () => {
    await run('apt-get', ['update', '-q'])
    await once()
  })
}

/** Debian's dynamic busybox, unpacked rather than installed: the static one crashes when it resolves a name. */
async function busyboxFiles(): Promise<ImageFile[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kubelab-busybox-'))
  try {
    await download('busybox', folder)
    const [archive] = await readdir(folder)
    await run('dpkg-deb', ['-x', archive!, '.'], { cwd: folder })
    const program = ['bin/busybox', 'usr/bin/busybox'].map((file) => path.join(folder, file)).find(existsSync)
    if (!program) throw new Error('Cannot make the busybox image: the Debian package holds no busybox program')
    const { stdout } = await run(program, ['--list'])
    const applets = stdout.split('\n').filter((name) => name && name !== 'busybox')
    return [
      ...['bin', 'etc', 'root', 'var', 'home', 'dev', 'proc', 'sys'].map((name) => ({ path: name, folder: true as const })),
      { path: 'tmp', folder: true, mode: 0o1777 },
      { path: 'etc/passwd', content: Buffer.from('root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n') },
      { path: 'etc/group', content: Buffer.from('root:x:0:\nnogroup:x:65534:\n') },
      { path: 'etc/nsswitch.conf', content: Buffer.from('hosts: files dns\n') },
      ...(await withLibraries(program, '/bin/busybox')),
      ...(await nameServiceLibraries()),
      ...applets.map((name) => ({ path: `bin/${name}`, link: 'busybox' })),
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** glibc opens these by name when it resolves one; ldd does not list them. */
async function nameServiceLibraries(): Promise<ImageFile[]> {
  const { stdout } = await run('ldd', ['/bin/sh'])
  const folder = path.dirname(/(\/\S+libc\.so\.6)/.exec(stdout)?.[1] ?? '/lib/libc.so.6')
  const files = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2']
    .map((name) => path.join(folder, name))
    .filter(existsSync)
  return Promise.all(files.map(async (file) => ({ path: file, content: await readFile(await realpath(file)), mode: 0o755 })))
}

/** perl-base as Debian installs it everywhere: the interpreter, its libraries and its small module tree. */
async function perlFiles(): Promise<ImageFile[]> {
  const { stdout } = await run('dpkg', ['-L', 'perl-base'])
  const files: ImageFile[] = []
  for (const file of stdout.split('\n').filter((name) => name.startsWith('/usr/lib/'))) {
    const info = await stat(file)
    if (info.isFile()) files.push({ path: file, content: await readFile(file), mode: info.mode & 0o777 })
  }
  return [...(await withLibraries('/usr/bin/perl', '/usr/bin/perl')), ...files]
}

/** What the Node program needs to run in a container; the program itself is mounted from the host, as the addons do. */
async function runtimeFiles(): Promise<ImageFile[]> {
  const node = await realpath(process.execPath)
  const libraries = (await withLibraries(node, node)).slice(1)
  return [
    ...['etc', 'dev', 'proc', 'sys', 'var'].map((name) => ({ path: name, folder: true as const })),
    { path: 'tmp', folder: true, mode: 0o1777 },
    { path: 'etc/passwd', content: Buffer.from('root:x:0:0:root:/:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n') },
    { path: 'etc/group', content: Buffer.from('root:x:0:\nnogroup:x:65534:\n') },
    ...libraries,
    ...(await nameServiceLibraries()),
  ]
}

async function buildAll() {
  await mkdir(IMAGES, { recursive: true })
  const pause: ImageFile[] = [{ path: 'pause', content: await readFile('/usr/bin/catatonit'), mode: 0o755 }]
  const busybox = await busyboxFiles()
  const webFiles: ImageFile[] = [
    ...busybox,
    ...(await perlFiles()),
    { path: 'server.pl', content: await readFile(new URL('web/server.pl', import.meta.url)), mode: 0o755 },
  ]
  const archive = (name: string) => path.join(IMAGES, `${name}.tar`)
  await writeOciArchive(archive('pause'), { name: 'registry.k8s.io/pause:3.10', entrypoint: ['/pause', '-P'] }, pause)
  await writeOciArchive(archive('busybox'), { name: 'docker.io/library/busybox:latest', command: ['sh'] }, busybox)
  await writeOciArchive(archive('runtime'), { name: 'docker.io/kubelab/runtime:1' }, await runtimeFiles())
  await writeOciArchive(archive('web-1.0'), web('1.0'), webFiles)
  await writeOciArchive(archive('web-2.0'), web('2.0'), webFiles)
  await seedContainerdRoot(path.join(IMAGES, 'containerd'), ['pause', 'busybox', 'runtime', 'web-1.0', 'web-2.0'].map(archive))
}

/** What the images are made of: when this file, the server or the packages change, they are made anew. */
async function recipe(): Promise<string> {
  const hash = createHash('sha256')
  for (const file of ['build-images.ts', 'oci-archive.ts', 'containerd-seed.ts', 'web/server.pl']) {
    hash.update(await readFile(new URL(file, import.meta.url)))
  }
  const { stdout } = await run('dpkg-query', ['-W', '-f', '${Package}=${Version}\n', 'catatonit', 'perl-base', 'containerd'])
  return hash.update(stdout).digest('hex')
}

const stamp = path.join(IMAGES, '.recipe')
const wanted = await recipe()
if (!existsSync(stamp) || (await readFile(stamp, 'utf8')) !== wanted) {
  console.log('  making the images pause, busybox, web:1.0 and web:2.0')
  await buildAll()
  await writeFile(stamp, wanted)
}
