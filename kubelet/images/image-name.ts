/** Pure: what can name an image, `[host[:port]/]path[:tag][@digest]`, and which repository that is. */

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const label = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const host = `${label}(?:\\.${label})*(?::[0-9]+)?|\\[[0-9a-fA-F:]+\\](?::[0-9]+)?`
const reference = new RegExp(
  `^(?:(?:${host})/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
)

/** Why it cannot, in the words of upstream's parser; undefined when it can. */
export function checkImageName(image: string): string | undefined {
  if (reference.test(image)) return undefined
  const why = `couldn't parse image name "${image}": invalid reference format`
  // Only what could be one but for its case is told of its case.
  if (!reference.test(image.toLowerCase())) return why
  return `${why}: repository name (${repositoryOf(image)}) must be lowercase`
}

const withoutTag = (image: string): string => image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')

function repositoryOf(image: string): string {
  const name = withoutTag(image)
  const [first = '', ...rest] = name.split('/')
  if (rest.length === 0) return `library/${first}`
  return /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase() ? rest.join('/') : name
}

/** `busybox` is `docker.io/library/busybox`. */
export function qualify(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return hasHost ? image : rest.length > 0 ? `docker.io/${image}` : `docker.io/library/${image}`
}

/** With its host, without tag and digest: `docker.io/library/busybox` of `busybox:1.36`. */
export const fullRepositoryOf = (image: string): string => qualify(withoutTag(image))
