/** What of the machine a kubelet acts on: containerd, cgroups and mounts of this one, or a runtime that only pretends. */
import { type Cgroups, createCgroups } from '../cgroups.ts'
import { runProbe } from '../probes/probe-action.ts'
import { linuxMounts, type Mounts } from '../volumes/file-systems.ts'
import { createImageContent, type ImageContent } from './containerd-content.ts'
import { type EventListener, type EventStream, subscribeToContainerd } from './containerd-events.ts'
import { createImageMounts, type ImageMounts } from './containerd-snapshots.ts'
import { connectCri, type Cri } from './cri-client.ts'

export interface Platform {
  cri: Cri
  subscribe(listener: EventListener): EventStream
  cgroups: Cgroups
  mounts: Mounts
  images: ImageMounts
  content: ImageContent
  /** Answers why a probe or a hook failed, or null. */
  probe: typeof runProbe
}

export function createLinuxPlatform(runtimeEndpoint: string, cgroupRoot: string, podMaxPids?: number): Platform {
  const cri = connectCri(runtimeEndpoint)
  return {
    cri,
    subscribe: (listener) => subscribeToContainerd(runtimeEndpoint, listener),
    cgroups: createCgroups(cgroupRoot, { podMaxPids }),
    mounts: linuxMounts,
    images: createImageMounts(runtimeEndpoint, cri),
    content: createImageContent(runtimeEndpoint),
    probe: runProbe,
  }
}
