/** Every kind of volume: a new one is a file and a line here. */
import { configMap } from './config-map.ts'
import { downwardApi } from './downward-api.ts'
import { emptyDir } from './empty-dir.ts'
import { ephemeral, persistentVolumeClaim } from './persistent-volume-claim.ts'
import { image } from './image.ts'
import { hostPath } from './host-path.ts'
import { projected } from './projected.ts'
import { secret } from './secret.ts'
import type { VolumeKind } from './volume-kind.ts'

export const VOLUME_KINDS: readonly VolumeKind[] = [
  configMap,
  downwardApi,
  emptyDir,
  ephemeral,
  hostPath,
  image,
  persistentVolumeClaim,
  projected,
  secret,
]
