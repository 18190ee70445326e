/** `kubelab autoscale`: a horizontal pod autoscaler for a workload. */
import type { JsonObject } from '../../api/json.ts'
import type { CliCommand } from '../commands.ts'
import { newObject } from './create/generator.ts'
import { dryRunOf, dryRunQuery, report, withWriteOptions, type WriteOptions } from '../writes/dry-run.ts'
import { CliError } from '../errors.ts'
import { findTargets, pathOfTarget, withFiles, type Target, type TargetOptions } from '../arguments/find-targets.ts'
import type { KubeJson } from '../arguments/manifests.ts'
import { apiVersionOf } from '../arguments/resource-types.ts'

interface AutoscaleOptions extends WriteOptions, TargetOptions {
  min: string
  max?: string
  cpuPercent: string
  name?: string
}

export const autoscale: CliCommand = (program, open) => {
  withWriteOptions(withFiles(program.command('autoscale [args...]')))
    .description('Let the load say how many pods a workload has: autoscale deploy web --min=2 --max=5 --cpu-percent=80')
    .option('--min <count>', 'at least so many', '-1')
    .option('--max <count>', 'at most so many')
    .option('--cpu-percent <percent>', 'wanted use of the requested CPU', '-1')
    .option('--name <name>', 'name of the autoscaler; default the name of the object')
    .action(async (args: string[], options: AutoscaleOptions) => {
      if (options.max === undefined) throw new CliError('required flag(s) "max" not set')
      if (Number(options.max) < 1) throw new CliError(`--max=MAXPODS is required and must be at least 1, max: ${options.max}`)
      if (Number(options.max) < Number(options.min))
        throw new CliError(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${options.max}, min: ${options.min}`)
      const session = await open()
      for (const target of await findTargets(session, args, options)) {
        await session.client.raw('GET', pathOfTarget(target))
        const object = autoscalerOf(target, options)
        const type = await session.types
          .ofKind('autoscaling/v1', 'HorizontalPodAutoscaler')
          .catch(() => session.types.find('hpa'))
        const path = `/apis/autoscaling/v1/namespaces/${session.namespace}/horizontalpodautoscalers`
        const query = { fieldManager: 'kubectl-autoscale', ...dryRunQuery(options) }
        const created =
          dryRunOf(options) === 'client' ? object : await session.client.raw<JsonObject>('POST', path, { body: object, query })
        report(session, { ...type, version: 'v1' }, created, 'autoscaled', options)
      }
    })
}

function autoscalerOf({ type, name }: Target, options: Pick<AutoscaleOptions, 'min' | 'max' | 'cpuPercent' | 'name'>): KubeJson {
  const [min, max, cpu] = [Number(options.min), Number(options.max), Number(options.cpuPercent)]
  return {
    ...newObject('autoscaling/v1', 'HorizontalPodAutoscaler', options.name ?? name),
    spec: {
      maxReplicas: max,
      ...(min > 0 && { minReplicas: min }),
      scaleTargetRef: { apiVersion: apiVersionOf(type), kind: type.kind, name },
      ...(cpu >= 0 && { targetCPUUtilizationPercentage: cpu }),
    },
    status: { currentReplicas: 0, desiredReplicas: 0 },
  }
}
