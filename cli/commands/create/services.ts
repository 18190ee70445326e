/** `kubelab create service clusterip`, `nodeport`, `loadbalancer`, `externalname`, and `create ingress`. */
import type { JsonObject } from '../../../api/json.ts'
import { collect, collectList } from '../../arguments/collect.ts'
import { CliError } from '../../errors.ts'
import type { KubeJson } from '../../arguments/manifests.ts'
import { type AddGenerator, defineGenerator, newObject } from './generator.ts'

interface ServiceOptions {
  tcp?: string[]
  clusterip?: string
  nodePort?: string
  externalName?: string
}

const TCP = ['--tcp <port[:target]>', 'ports as port or port:target; may be repeated'] as const

const service = (kind: string, type: string, description: string, more: [string, string][]): AddGenerator =>
  defineGenerator<ServiceOptions>({
    usage: `${kind} <name>`,
    description,
    options: (command) => more.reduce((all, [flags, text]) => all.option(flags, text), command.option(...TCP, collectList)),
    build: (name, options) => serviceOf(name, type, options),
  })

export function serviceOf(name: string, type: string, options: ServiceOptions): KubeJson {
  const { tcp = [], clusterip, nodePort, externalName } = options
  if (type === 'ExternalName' && !externalName) throw new CliError('required flag(s) "external-name" not set')
  if (clusterip === 'None' && tcp.length > 0 && type !== 'ClusterIP') throw new CliError('can not map ports with clusterip=None')
  if (tcp.length === 0 && clusterip !== 'None' && type !== 'ExternalName')
    throw new CliError('at least one tcp port specifier must be provided')
  const ports = tcp.map((text) => ({ ...portOf(text), ...(nodePort && nodePort !== '0' && { nodePort: Number(nodePort) }) }))
  return {
    ...newObject('v1', 'Service', name, { app: name }),
    spec: {
      ...(clusterip && { clusterIP: clusterip }),
      ...(externalName && { externalName }),
      ...(ports.length > 0 && { ports }),
      selector: { app: name },
      type,
    },
    status: { loadBalancer: {} },
  }
}

/** `80`, `80:8080`, `80:web` */
function portOf(text: string): JsonObject {
  const [port = '', target = port] = text.split(':', 2)
  if (!/^\d+$/.test(port) || Number(port) > 65535) throw new CliError(`invalid port format ${JSON.stringify(text)}`)
  const targetPort = /^\d+$/.test(target) ? Number(target) : target
  return { name: text.replace(':', '-'), port: Number(port), protocol: 'TCP', targetPort }
}

export const createService: AddGenerator = (command, open) => {
  const parent = command.command('service').alias('svc').description('A service: create service clusterip, nodeport, …')
  const kinds = [
    service('clusterip', 'ClusterIP', 'A service inside the cluster: create service clusterip web --tcp=80:8080', [
      ['--clusterip <address>', 'its address; None for a headless one'],
    ]),
    service(
      'externalname',
      'ExternalName',
      'A name for something outside: create service externalname db --external-name=db.example.com',
      [['--external-name <name>', 'the name outside']],
    ),
    service('loadbalancer', 'LoadBalancer', 'A service with an address outside: create service loadbalancer web --tcp=80', []),
    service('nodeport', 'NodePort', 'A service on a port of every node: create service nodeport web --tcp=80', [
      ['--node-port <port>', 'the port of the nodes'],
    ]),
  ]
  for (const add of kinds) add(parent, open)
}

interface IngressOptions {
  class?: string
  rule?: string[]
  defaultBackend?: string
  annotation?: string[]
}

export const createIngress: AddGenerator = defineGenerator<IngressOptions>({
  usage: 'ingress <name>',
  aliases: ['ing'],
  description: "An ingress: create ingress web --rule='example.com/*=web:80'",
  options: (command) =>
    command
      .option('--class <name>', 'the ingress class')
      .option('--rule <host/path=service:port[,tls[=secret]]>', 'one rule; may be repeated', collect)
      .option('--default-backend <service:port>', 'for what no rule matches')
      .option('--annotation <key=value>', 'may be repeated', collect),
  build: (name, options) => ingressOf(name, options),
})

interface Rule {
  host: string
  path: JsonObject
  tls: string | undefined
}

export function ingressOf(name: string, options: IngressOptions): KubeJson {
  const rules = (options.rule ?? []).map(parseRule)
  if (rules.length === 0 && !options.defaultBackend) {
    throw new CliError(
      'not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)',
    )
  }
  const object = newObject('networking.k8s.io/v1', 'Ingress', name)
  const annotations = Object.fromEntries((options.annotation ?? []).map(splitAnnotation))
  return {
    ...object,
    metadata: { ...object.metadata, ...(options.annotation && { annotations }) },
    spec: {
      ...(options.defaultBackend && { defaultBackend: backendOf(options.defaultBackend, 'default-backend') }),
      ...(options.class && { ingressClassName: options.class }),
      ...(rules.length > 0 && { rules: byHost(rules) }),
      ...(rules.some(({ tls }) => tls !== undefined) && { tls: tlsOf(rules) }),
    },
    status: { loadBalancer: {} },
  }
}

function splitAnnotation(text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals <= 0) throw new CliError(`annotation ${text} is invalid and should be in format key=[value]`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** host/path=service:port, with or without `,tls` and the name of its secret. */
export function parseRule(text: string): Rule {
  const match = /^([^=/]*)(\/[^=]*)=([a-z0-9][-a-z0-9]*:[-a-z0-9]+)(?:,(tls)(?:=(\S+))?)?$/.exec(text)
  if (!match) throw new CliError(`rule ${text} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`)
  const [, host = '', pathText = '', backend = '', tls, secret = ''] = match
  const isPrefix = pathText.endsWith('*')
  const path = {
    backend: backendOf(backend, 'rule'),
    path: isPrefix ? pathText.slice(0, -1) : pathText,
    pathType: isPrefix ? 'Prefix' : 'Exact',
  }
  return { host, path, tls: tls === undefined ? undefined : secret }
}

function backendOf(text: string, flag: string): JsonObject {
  const [name, port, ...more] = text.split(':')
  if (!name || !port || more.length > 0) throw new CliError(`${flag} should be in format servicename:serviceport`)
  return { service: { name, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } } }
}

function byHost(rules: readonly Rule[]): JsonObject[] {
  const hosts = [...new Set(rules.map(({ host }) => host))]
  return hosts.map((host) => ({
    ...(host !== '' && { host }),
    http: { paths: rules.filter((rule) => rule.host === host).map(({ path }) => path) },
  }))
}

function tlsOf(rules: readonly Rule[]): JsonObject[] {
  const secured = rules.filter(({ tls }) => tls !== undefined)
  const secrets = [...new Set(secured.map(({ tls }) => tls!))]
  return secrets.map((secret) => ({
    hosts: [...new Set(secured.filter(({ tls }) => tls === secret).map(({ host }) => host))].filter(Boolean),
    ...(secret !== '' && { secretName: secret }),
  }))
}
