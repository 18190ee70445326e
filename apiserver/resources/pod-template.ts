/** PodTemplate, the stored kind. */
import type { PodTemplate } from '../../api/generated/types.ts'
import { formatLabels, NAME, join, text } from './columns.ts'
import type { Errors } from './rules/field-rules.ts'
import { setPodTemplateDefaults, validatePodTemplate } from './pod-spec/template.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

export const podTemplate: ResourceBehaviour<PodTemplate> = {
  setDefaults: (object) => setPodTemplateDefaults((object.template ??= {} as NonNullable<PodTemplate['template']>)),
  validate: ({ template }) => {
    const errors: Errors = []
    validatePodTemplate(errors, 'template', template!)
    return errors
  },
  generationChanges: (object, old) => !sameJson(object.template, old.template),
  columns: [
    NAME,
    text('Containers', 'Names of each container in the template.', ({ template }) => join(template?.spec?.containers, 'name')),
    text('Images', 'Images referenced by each container in the template.', ({ template }) =>
      join(template?.spec?.containers, 'image'),
    ),
    text('Pod Labels', 'The labels for the pod template.', ({ template }) => formatLabels(template?.metadata?.labels)),
  ],
}
