/** `kubelab create quota`, `poddisruptionbudget` and `priorityclass`. */
import type { JsonObject } from '../../../api/json.ts'
import { toSelectorObject } from '../../arguments/selectors.ts'
import { CliError } from '../../errors.ts'
import type { KubeJson } from '../../arguments/manifests.ts'
import { type AddGenerator, defineGenerator, newObject } from './generator.ts'

interface QuotaOptions {
  hard?: string
  scopes?: string
}

export const createQuota: AddGenerator = defineGenerator<QuotaOptions>({
  usage: 'quota <name>',
  aliases: ['resourcequota'],
  description: 'Limits of a namespace: create quota small --hard=pods=10,cpu=2',
  options: (command) =>
    command
      .option('--hard <resource=quantity,...>', 'the limits')
      .option('--scopes <scopes>', 'only objects of all these scopes'),
  build: (name, options) => quotaOf(name, options),
})

export function quotaOf(name: string, { hard, scopes }: QuotaOptions): KubeJson {
  const limits = (hard ?? '').split(',').filter(Boolean).map(splitLimit)
  const scopeList = (scopes ?? '').split(',').filter(Boolean)
  return {
    ...newObject('v1', 'ResourceQuota', name),
    spec: {
      ...(limits.length > 0 && { hard: Object.fromEntries(limits) }),
      ...(scopeList.length > 0 && { scopes: scopeList }),
    },
    status: {},
  }
}

function splitLimit(text: string): [string, string] {
  const parts = text.split('=')
  if (parts.length !== 2) throw new CliError(`Invalid argument syntax ${text}, expected <resource>=<value>`)
  return [parts[0]!, parts[1]!]
}

interface BudgetOptions {
  selector?: string
  minAvailable?: string
  maxUnavailable?: string
}

export const createBudget: AddGenerator = defineGenerator<BudgetOptions>({
  usage: 'poddisruptionbudget <name>',
  aliases: ['pdb'],
  description: 'How many pods must stay: create pdb web --selector=app=web --min-available=2',
  options: (command) =>
    command
      .option('--selector <labels>', 'which pods')
      .option('--min-available <count>', 'how many must stay, as a number or percentage')
      .option('--max-unavailable <count>', 'how many may be missing, as a number or percentage'),
  build: (name, options) => budgetOf(name, options),
})

export function budgetOf(name: string, { selector, minAvailable, maxUnavailable }: BudgetOptions): KubeJson {
  if (!selector) throw new CliError('a selector must be specified')
  if (minAvailable === undefined && maxUnavailable === undefined)
    throw new CliError('one of min-available or max-unavailable must be specified')
  if (minAvailable !== undefined && maxUnavailable !== undefined)
    throw new CliError('min-available and max-unavailable cannot be both specified')
  return {
    ...newObject('policy/v1', 'PodDisruptionBudget', name),
    spec: {
      ...(minAvailable !== undefined && { minAvailable: countOf('min-available', minAvailable) }),
      ...(maxUnavailable !== undefined && { maxUnavailable: countOf('max-unavailable', maxUnavailable) }),
      selector: toSelectorObject(selector),
    },
    status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
  }
}

function countOf(flag: string, text: string): string | number {
  if (/^\d+$/.test(text)) return Number(text)
  if (/^\d+%$/.test(text)) return text
  throw new CliError(`invalid format specified for ${flag}`)
}

interface PriorityOptions {
  value: string
  globalDefault?: boolean
  description?: string
  preemptionPolicy: string
}

export const createPriorityClass: AddGenerator = defineGenerator<PriorityOptions>({
  usage: 'priorityclass <name>',
  aliases: ['pc'],
  description: 'How important pods are: create priorityclass high --value=1000',
  options: (command) =>
    command
      .option('--value <number>', 'the priority', '0')
      .option('--global-default', 'for pods that name none')
      .option('--description <text>', 'when to use it')
      .option('--preemption-policy <policy>', 'PreemptLowerPriority or Never', 'PreemptLowerPriority'),
  build: (name, { value, globalDefault, description, preemptionPolicy }): KubeJson => ({
    ...newObject('scheduling.k8s.io/v1', 'PriorityClass', name),
    value: Number(value),
    ...((globalDefault && { globalDefault }) as JsonObject),
    ...(description && { description }),
    preemptionPolicy,
  }),
})
