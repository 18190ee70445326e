/** metadata.managedFields: who set which field last, kept with every write. */
import type { KubeObject } from '../api/object.ts'
import type { ResourceRequest } from './api-context.ts'
import type { WriteOptions } from './write-options.ts'

export function trackCreate(_request: ResourceRequest, _object: KubeObject, _options: WriteOptions, _now: Date): void {}
export function trackUpdate(
  _request: ResourceRequest,
  _object: KubeObject,
  _old: KubeObject,
  _options: WriteOptions,
  _now: Date,
): void {}
