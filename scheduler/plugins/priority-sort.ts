/** PrioritySort: the pod of higher priority first; among equals the one that waits longest. */
import type { QueuedPod } from '../queue.ts'

/** Negative when `a` goes first. */
export const prioritySort = (a: QueuedPod, b: QueuedPod): number => b.info.priority - a.info.priority || a.since - b.since
