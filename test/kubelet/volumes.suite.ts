import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Container, PersistentVolume, Pod, PodSpec } from '../../api/generated/types.ts'
import type { New } from '../../api/object.ts'
import { busyboxImage } from './oci-archive.ts'
import { get } from './request.ts'
import { isReady } from './test-api.ts'
import { startTestKubelet, type TestKubelet } from './test-kubelet.ts'

let kubelet: TestKubelet
beforeAll(async () => {
  kubelet = await startTestKubelet()
})
afterAll(() => kubelet.stop())

const shell = (script: string, more: Partial<Container> = {}): Container => ({
  name: 'main',
  image: busyboxImage,
  command: ['sh', '-c', script],
  ...more,
})
const at = (mountPath: string, more: object = {}) => ({ volumeMounts: [{ name: 'v', mountPath, ...more }] })

/** Runs to its end and answers its output. */
async function output(name: string, spec: Partial<PodSpec>): Promise<string> {
  await kubelet.api.createPod(name, { restartPolicy: 'Never', ...spec })
  await kubelet.api.waitForPod(name, ({ status }) => status?.phase === 'Succeeded')
  return (await get(kubelet, `/containerLogs/default/${name}/main`)).body
}

/** Once a pod has gone, nothing that was mounted for it is there any more. */
async function end(name: string): Promise<void> {
  const { metadata } = await kubelet.api.get('Pod', { namespace: 'default', name })
  await kubelet.api.deletePod(name)
  await kubelet.api.waitForNoPod(name)
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(metadata.uid)
}

/** A claim as the volume controllers leave it, with its volume. */
async function bind(
  name: string,
  volume: Partial<PersistentVolume['spec']>,
  annotations: Record<string, string> = {},
): Promise<void> {
  const claim = await kubelet.api.create('PersistentVolumeClaim', {
    metadata: { namespace: 'default', name },
    spec: { volumeName: `pv-${name}` },
    status: { phase: 'Bound' },
  })
  await kubelet.api.create('PersistentVolume', {
    metadata: { name: `pv-${name}`, annotations },
    spec: { claimRef: { uid: claim.metadata.uid }, ...volume },
  } as New<PersistentVolume>)
}

const claim = (claimName: string) => [{ name: 'v', persistentVolumeClaim: { claimName } }]
const asUser = { runAsUser: 1234, runAsGroup: 1234 }

// Each test has pods of its own, and mostly waits for the runtime.
describe.concurrent('a volume', () => {
  it('that is an image shows its files, to be read only, and leaves nothing', async () => {
    const volumes = [{ name: 'v', image: { reference: busyboxImage, pullPolicy: 'IfNotPresent' } }]
    const script = 'test -x /image/bin/sh && echo there; touch /image/x 2>&1 || echo read only; ls -d /part/busybox'
    const mounts = [
      { name: 'v', mountPath: '/image' },
      { name: 'v', mountPath: '/part', subPath: 'bin' },
    ]
    const text = await output('image', { volumes, containers: [shell(script, { volumeMounts: mounts })] })
    expect(text).toMatch(/^there\n.*Read-only file system\nread only\n/)
    expect(text).toContain('/part/busybox')
    await end('image')
  })

  it('that is an image waits for it as a container would', async () => {
    const reference = '127.0.0.1:9/none:1'
    const volumes = [{ name: 'v', image: { reference, pullPolicy: 'IfNotPresent' } }]
    await kubelet.api.createPod('no-image', { volumes, containers: [shell('true', at('/image'))] })
    const isWaiting = ({ status }: Pod) => /^(Err)?ImagePull/.test(status?.containerStatuses?.[0]?.state?.waiting?.reason ?? '')
    const { status } = await kubelet.api.waitForPod('no-image', isWaiting)
    expect(status?.containerStatuses?.[0]?.state?.waiting?.message).toContain(reference)
  })

  it('from the API cannot be written, whatever the mount says', async () => {
    await kubelet.api.create('ConfigMap', { metadata: { namespace: 'default', name: 'settings' }, data: { key: 'value' } })
    const volumes = [{ name: 'v', configMap: { name: 'settings' } }]
    const script = 'cat /settings/key; echo; touch /settings/x 2>&1 || true'
    expect(await output('api', { volumes, containers: [shell(script, at('/settings'))] })).toMatch(
      /^value\n.*Read-only file system/,
    )
  })

  it("in memory is everybody's, and nobody removes another's files; so is a part that is made in it", async () => {
    const volumes = [{ name: 'v', emptyDir: { medium: 'Memory' } }]
    const mounts = [
      { name: 'v', mountPath: '/memory' },
      { name: 'v', mountPath: '/part', subPath: 'made' },
    ]
    const containers = [shell("stat -c '%a %g' /memory /part", { volumeMounts: mounts })]
    expect(await output('memory', { volumes, containers, securityContext: { fsGroup: 77 } })).toBe('3777 77\n3777 77\n')
  })

  it("of the node's own takes the pod's group, if it is a local one", async () => {
    const folder = `${kubelet.node.directory}/local`
    mkdirSync(folder)
    chownSync(folder, 0, 0)
    chmodSync(folder, 0o755)
    await bind('local', { local: { path: folder } })
    const containers = [shell('touch /data/mine && stat -c %g /data/mine', at('/data'))]
    expect(await output('local', { volumes: claim('local'), containers, securityContext: { ...asUser, fsGroup: 77 } })).toBe(
      '77\n',
    )
  })

  it('that is a block device is formatted once and mounted, or is given as a device', async () => {
    const disk = `${kubelet.node.directory}/disk`
    writeFileSync(disk, '')
    truncateSync(disk, 16 << 20)
    const device = execFileSync('losetup', ['--find', '--show', disk], { encoding: 'utf8' }).trim()
    try {
      await bind('disk', { local: { path: device, fsType: '' } })
      const write = [shell('echo mine > /data/file; stat -f -c %T /data; stat -c "%a %g" /data', at('/data'))]
      const securityContext = { fsGroup: 77 }
      expect(await output('disk', { volumes: claim('disk'), containers: write, securityContext })).toMatch(/^ext2.*\n2775 77\n$/)
      await end('disk')

      const again = [shell('cat /data/file', at('/data'))]
      expect(await output('disk-again', { volumes: claim('disk'), containers: again })).toBe('mine\n')
      await end('disk-again')

      await bind('raw', { local: { path: device }, volumeMode: 'Block' })
      const volumeDevices = [{ name: 'v', devicePath: '/dev/mine' }]
      // The magic number of the file system that is on it.
      const read = [shell('test -b /dev/mine && od -An -tx2 -j1080 -N2 /dev/mine', { volumeDevices })]
      expect((await output('raw', { volumes: claim('raw'), containers: read })).trim()).toBe('ef53')
    } finally {
      execFileSync('losetup', ['--detach', device])
      rmSync(disk)
    }
  })

  it('of another mode than its container takes it for is not given', async ({ expect }) => {
    await bind('folder', { local: { path: kubelet.node.directory } })
    const containers = [shell('true', { volumeDevices: [{ name: 'v', devicePath: '/dev/mine' }] })]
    await kubelet.api.createPod('wrong-mode', { volumes: claim('folder'), containers })
    const message = 'volume v has volumeMode Filesystem, but is specified in volumeDevices'
    const told = async () => (await kubelet.api.list('Event')).items.map((event) => event.message).join('\n')
    await expect.poll(told).toContain(message)
    await kubelet.api.deletePod('wrong-mode')
  })

  it('of the local path provisioner can be written by any user', async () => {
    const path = `${kubelet.node.directory}/provisioned/pvc-1`
    const annotations = { 'pv.kubernetes.io/provisioned-by': 'kubelab/local-path' }
    await bind('given', { hostPath: { path, type: 'DirectoryOrCreate' } }, annotations)
    const containers = [shell('touch /data/mine && stat -c %u /data/mine', at('/data'))]
    expect(await output('given', { volumes: claim('given'), containers, securityContext: asUser })).toBe('1234\n')
    expect(statSync(path).mode & 0o777).toBe(0o777)
  })

  it('shows its part again to a container that starts again, also when the part was replaced', async ({ expect }) => {
    const volumes = [{ name: 'v', emptyDir: {} }]
    const script = 'cat /part/count; echo x >> /part/count; test $(wc -l < /part/count) -ge 2 && sleep 1000'
    const spec = { volumes, containers: [shell(script, at('/part', { subPath: 'deep/part' }))], terminationGracePeriodSeconds: 0 }
    await kubelet.api.createPod('part', spec)
    const again = (pod: Pod) => isReady(pod) && pod.status?.containerStatuses?.[0]?.restartCount === 1
    const { metadata } = await kubelet.api.waitForPod('part', again)
    const root = `${kubelet.node.directory}/kubelet/pods/${metadata.uid}`
    await expect.poll(() => readFileSync(`${root}/volumes/kubernetes.io~empty-dir/v/deep/part/count`, 'utf8')).toBe('x\nx\n')
    await end('part')
    await expect.poll(() => existsSync(root)).toBe(false)
  })

  it('keeps a file that is mounted by itself, as it was when the container started', async () => {
    const folder = `${kubelet.node.directory}/single`
    mkdirSync(folder)
    writeFileSync(`${folder}/file`, 'one')
    const volumes = [{ name: 'v', hostPath: { path: folder } }]
    const containers = [shell('cat /etc/single', at('/etc/single', { subPath: 'file' }))]
    expect(await output('single', { volumes, containers })).toBe('one')
  })
})
