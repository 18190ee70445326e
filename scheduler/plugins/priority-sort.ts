/** PrioritySort: the pod of higher priority first; among equals the one that waits longest. All profiles share the one queue. */
import type { SchedulerPlugin } from '../framework.ts'
import type { QueuedPod } from '../queue.ts'

/** Negative when `a` goes first. */
export const byPriority = (a: QueuedPod, b: QueuedPod): number => b.info.priority - a.info.priority || a.since - b.since

/** By name only, so that configurations may speak of it: the queue is made before any profile. */
export const prioritySort: SchedulerPlugin = { name: 'PrioritySort' }
