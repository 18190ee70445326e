/** Pure: whether a text can name an image: `[host[:port]/]path[:tag][@digest]`, as registries have it. */

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

function repositoryOf(image: string): string {
  const name = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
  const [first = '', ...rest] = name.split('/')
  if (rest.length === 0) return `library/${first}`
  return /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase() ? rest.join('/') : name
}
