/** What an image reference says about pulling it. */

/** `Always` for the tag `latest`, which an image without tag and digest has. */
export function pullPolicyOf(image: string): string {
  const digest = image.indexOf('@')
  const name = digest < 0 ? image : image.slice(0, digest)
  const colon = name.lastIndexOf(':')
  // A colon before the last slash is that of a registry's port.
  const tag = colon > name.lastIndexOf('/') ? name.slice(colon + 1) : digest < 0 ? 'latest' : ''
  return tag === 'latest' ? 'Always' : 'IfNotPresent'
}
