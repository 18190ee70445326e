/** What upstream refuses in a KubeSchedulerConfiguration, in its words: fields that nobody reads, and values that cannot be. Pure. */
import type { TopologySpreadConstraint } from '../api/generated/types.ts'
import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from '../api/field-error.ts'

/** Field names; where one holds more, what that may hold. `[]` marks lists, `*` any name. */
interface Shape {
  [field: string]: true | Shape
}

const pluginSet: Shape = { 'enabled[]': { name: true, weight: true }, 'disabled[]': { name: true, weight: true } }
const points = 'preEnqueue queueSort preFilter filter postFilter preScore score reserve permit preBind bind postBind multiPoint'

const fileShape: Shape = {
  ...fields('apiVersion kind parallelism enableProfiling enableContentionProfiling percentageOfNodesToScore'),
  ...fields('podInitialBackoffSeconds podMaxBackoffSeconds delayCacheUntilActive extenders'),
  leaderElection: fields('leaderElect leaseDuration renewDeadline retryPeriod resourceLock resourceName resourceNamespace'),
  clientConnection: fields('kubeconfig acceptContentTypes contentType qps burst'),
  'profiles[]': {
    schedulerName: true,
    percentageOfNodesToScore: true,
    plugins: Object.fromEntries(points.split(' ').map((point) => [point, pluginSet])),
    'pluginConfig[]': { name: true, args: true },
  },
}

const typed = fields('apiVersion kind')
const resources: Shape = { 'resources[]': fields('name weight') }
const argumentShapes: Record<string, Shape> = {
  DefaultPreemption: { ...typed, ...fields('minCandidateNodesPercentage minCandidateNodesAbsolute') },
  DynamicResources: { ...typed, ...fields('filterTimeout bindingTimeout') },
  InterPodAffinity: { ...typed, ...fields('hardPodAffinityWeight ignorePreferredTermsOfExistingPods') },
  NodeAffinity: { ...typed, addedAffinity: true },
  NodeResourcesBalancedAllocation: { ...typed, ...resources },
  NodeResourcesFit: {
    ...typed,
    ...fields('ignoredResources ignoredResourceGroups'),
    scoringStrategy: { type: true, ...resources, requestedToCapacityRatio: { 'shape[]': fields('utilization score') } },
  },
  PodTopologySpread: { ...typed, defaultConstraints: true, defaultingType: true },
  VolumeBinding: { ...typed, ...fields('bindTimeoutSeconds shape') },
}

function fields(names: string): Shape {
  return Object.fromEntries(names.split(' ').map((name) => [name, true as const]))
}

/** The path of each field that the shape does not have. */
function unknownFields(value: unknown, shape: Shape, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const here = path ? `${path}.${name}` : name
    const items = shape[`${name}[]`]
    if (items !== undefined && items !== true) {
      return (Array.isArray(inner) ? inner : []).flatMap((item, index) => unknownFields(item, items, `${here}[${index}]`))
    }
    const known = shape[name]
    if (known === undefined) return [here]
    return known === true ? [] : unknownFields(inner, known, here)
  })
}

function refuseUnknown(value: unknown, shape: Shape, where = ''): void {
  const unknown = unknownFields(value, shape)
  if (unknown.length === 0) return
  throw new Error(`${where}strict decoding error: ${unknown.map((field) => `unknown field "${field}"`).join(', ')}`)
}

type Args = Readonly<Record<string, unknown>>

export interface ConfigToCheck {
  percentageOfNodesToScore?: number
  podInitialBackoffSeconds?: number
  podMaxBackoffSeconds?: number
  parallelism?: number
  profiles?: {
    schedulerName?: string
    percentageOfNodesToScore?: number
    pluginConfig?: { name: string; args?: Args }[]
  }[]
}

/** Throws with all that is wrong. */
export function checkConfig(file: ConfigToCheck): void {
  refuseUnknown(file, fileShape)
  for (const [index, { pluginConfig = [] }] of (file.profiles ?? []).entries()) {
    for (const [place, { name, args }] of pluginConfig.entries()) {
      const shape = argumentShapes[name]
      if (shape)
        refuseUnknown(args, shape, `decoding .profiles[${index}].pluginConfig[${place}]: decoding args for plugin ${name}: `)
    }
  }
  const errors = [...settingErrors(file), ...profileErrors(file.profiles ?? [])]
  if (errors.length === 0) return
  const texts = errors.map(({ field, message }) => `${field}: ${message}`)
  throw new Error(texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`)
}

function settingErrors(file: ConfigToCheck): FieldError[] {
  const { parallelism = 16, podInitialBackoffSeconds: initial = 1, podMaxBackoffSeconds: most = 10 } = file
  return [
    ...(parallelism > 0 ? [] : [invalid('parallelism', parallelism, 'should be an integer value greater than zero')]),
    ...shareErrors('percentageOfNodesToScore', file.percentageOfNodesToScore),
    ...(initial > 0 ? [] : [invalid('podInitialBackoffSeconds', initial, 'must be greater than 0')]),
    ...(most >= initial
      ? []
      : [invalid('podMaxBackoffSeconds', most, 'must be greater than or equal to PodInitialBackoffSeconds')]),
  ]
}

const shareErrors = (field: string, share: number | undefined): FieldError[] =>
  share === undefined || (share >= 0 && share <= 100) ? [] : [invalid(field, share, 'not in valid range [0-100]')]

function profileErrors(profiles: NonNullable<ConfigToCheck['profiles']>): FieldError[] {
  const names = profiles.map(({ schedulerName = 'default-scheduler' }) => schedulerName)
  return profiles.flatMap(({ percentageOfNodesToScore, pluginConfig = [] }, index) => {
    const path = `profiles[${index}]`
    const first = names.indexOf(names[index]!)
    const plugins = pluginConfig.map(({ name }) => name)
    return [
      ...(names[index] === '' ? [required(`${path}.schedulerName`)] : []),
      ...shareErrors(`${path}.percentageOfNodesToScore`, percentageOfNodesToScore),
      ...pluginConfig.flatMap(({ name, args = {} }, place) => [
        ...(plugins.indexOf(name) < place ? [duplicate(`${path}.pluginConfig[${place}]`, name)] : []),
        ...(argumentErrors[name]?.(args, `${path}.pluginConfig[${place}].args`) ?? []),
      ]),
      ...(first < index ? [duplicate(`${path}.schedulerName`, `profiles[${first}].schedulerName`)] : []),
    ]
  })
}

const outside = (path: string, value: unknown, least: number, most: number): FieldError[] =>
  value === undefined || (typeof value === 'number' && value >= least && value <= most)
    ? []
    : [invalid(path, value, `not in valid range [${least}, ${most === Infinity ? 'inf)' : `${most}]`}`)]

const argumentErrors: Record<string, (args: Args, path: string) => FieldError[]> = {
  DefaultPreemption: ({ minCandidateNodesPercentage: share, minCandidateNodesAbsolute: absolute }, path) => [
    ...outside(`${path}.minCandidateNodesPercentage`, share, 0, 100),
    ...outside(`${path}.minCandidateNodesAbsolute`, absolute, 0, Infinity),
    ...(share === 0 && absolute === 0
      ? [
          invalid(`${path}.minCandidateNodesPercentage`, 0, 'cannot be zero at the same time as minCandidateNodesAbsolute'),
          invalid(`${path}.minCandidateNodesAbsolute`, 0, 'cannot be zero at the same time as minCandidateNodesPercentage'),
        ]
      : []),
  ],
  InterPodAffinity: ({ hardPodAffinityWeight }, path) => outside(`${path}.hardPodAffinityWeight`, hardPodAffinityWeight, 0, 100),
  NodeResourcesBalancedAllocation({ resources: list = [] }, path) {
    const all = list as { name: string; weight?: number }[]
    return all.flatMap(({ name, weight = 1 }, index) => [
      ...(all.findIndex((each) => each.name === name) < index ? [duplicate(`${path}.resources[${index}].name`, name)] : []),
      ...(weight === 1 ? [] : [invalid(`${path}.resources[${index}].weight`, weight, 'must be 1')]),
    ])
  },
  NodeResourcesFit: ({ ignoredResourceGroups = [], scoringStrategy }, path) => [
    ...(ignoredResourceGroups as string[]).flatMap((group, index) =>
      group.includes('/')
        ? [invalid(`${path}.ignoredResourceGroups[${index}]`, group, "resource group name can't contain '/'")]
        : [],
    ),
    ...(scoringStrategy ? strategyErrors(scoringStrategy as Strategy, `${path}.scoringStrategy`) : []),
  ],
  PodTopologySpread({ defaultingType: type = 'System', defaultConstraints: list = [] }, path) {
    const constraints = list as TopologySpreadConstraint[]
    const field = `${path}.defaultingType`
    if (type !== 'System' && type !== 'List') return [notSupported(field, type, ['System', 'List'])]
    return [
      ...(type === 'System' && constraints.length > 0 ? [invalid(field, type, 'when .defaultConstraints are not empty')] : []),
      ...constraints.flatMap((each, index) => constraintErrors(each, index, constraints, `${path}.defaultConstraints[${index}]`)),
    ]
  },
  VolumeBinding: ({ bindTimeoutSeconds: seconds }, path) =>
    typeof seconds === 'number' && seconds < 0
      ? [invalid(`${path}.bindTimeoutSeconds`, seconds, 'invalid BindTimeoutSeconds, should not be a negative value')]
      : [],
}

interface Strategy {
  type?: string
  resources?: { name: string; weight?: number }[]
  requestedToCapacityRatio?: { shape?: { utilization: number; score: number }[] }
}

const ratio = 'RequestedToCapacityRatio'

function strategyErrors({ type = 'LeastAllocated', resources: list = [], requestedToCapacityRatio: of }: Strategy, path: string) {
  const types = ['LeastAllocated', 'MostAllocated', ratio]
  const field = `${path}.requestedToCapacityRatio`
  const shape = of?.shape ?? []
  const unsorted = shape.findIndex(({ utilization }, index) => index > 0 && shape[index - 1]!.utilization >= utilization)
  return [
    ...(types.includes(type) ? [] : [notSupported(`${path}.type`, type, types)]),
    ...list.flatMap(({ name, weight = 1 }, index) =>
      weight > 0 && weight <= 100
        ? []
        : [invalid(`${path}.resources[${index}].weight`, weight, `resource weight of ${name} not in valid range (0, 100]`)],
    ),
    ...(type !== ratio && of ? [forbidden(field, `must be nil when type is not ${ratio}`)] : []),
    ...(type === ratio && !of ? [required(field, `must be specified when type is ${ratio}`)] : []),
    ...(type === ratio && of && shape.length === 0 ? [required(`${field}.shape`, 'at least one point must be specified')] : []),
    ...(unsorted > 0
      ? [
          invalid(
            `${field}.shape[${unsorted}].utilization`,
            shape[unsorted]!.utilization,
            'values must be sorted in increasing order',
          ),
        ]
      : []),
    ...shape.flatMap(({ utilization, score }, index) => [
      ...outside(`${field}.shape[${index}].utilization`, utilization, 0, 100),
      ...outside(`${field}.shape[${index}].score`, score, 0, 10),
    ]),
  ]
}

function constraintErrors(
  { maxSkew, topologyKey, whenUnsatisfiable: mode, labelSelector }: TopologySpreadConstraint,
  index: number,
  all: readonly TopologySpreadConstraint[],
  path: string,
): FieldError[] {
  const modes = ['DoNotSchedule', 'ScheduleAnyway']
  const first = all.findIndex((each) => each.topologyKey === topologyKey && each.whenUnsatisfiable === mode)
  return [
    ...(maxSkew > 0 ? [] : [invalid(`${path}.maxSkew`, maxSkew, 'not in valid range (0, inf)')]),
    ...(topologyKey ? [] : [required(`${path}.topologyKey`, 'can not be empty')]),
    ...(!mode ? [required(`${path}.whenUnsatisfiable`, 'can not be empty')] : []),
    ...(mode && !modes.includes(mode) ? [notSupported(`${path}.whenUnsatisfiable`, mode, modes)] : []),
    ...(labelSelector
      ? [forbidden(`${path}.labelSelector`, 'constraint must not define a selector, as they deduced for each pod')]
      : []),
    ...(first < index ? [duplicate(path, `{${topologyKey}, ${mode}}`)] : []),
  ]
}
