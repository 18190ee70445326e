/** How values look at rest: the seam where encryption of secrets is put in. */

export interface Transformer {
  /** What etcd stores for `value`. `key` may authenticate it, so that a value cannot be moved to another object. */
  encode(key: string, value: Buffer): Buffer
  /** The reverse. Throws when the value was made with a key that is not known. */
  decode(key: string, stored: Buffer): Buffer
  /**
   * Would `encode` store it in the same way today? If not, an update that changes nothing is written all the same: that is how keys
   * are rotated. Without this member every update is written.
   */
  isCurrent?(stored: Buffer): boolean
}

/** By the prefix of the resource: `/registry/core/secrets/`. Resources that are not in it are stored as they are. */
export type Transformers = ReadonlyMap<string, Transformer>
