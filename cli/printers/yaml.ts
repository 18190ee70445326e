/** `-o yaml`: members in the order of their names, lists not indented, as kubectl has them. */
import { stringify } from 'yaml'
import type { JsonObject } from '../../api/json.ts'
import { sortMembers } from './json.ts'

export const printYaml = (object: JsonObject): string =>
  stringify(sortMembers(object), {
    indentSeq: false,
    lineWidth: 0,
    aliasDuplicateObjects: false,
    // Readers of YAML 1.1, Go's among them, take `y` for a truth value and a bare date for a time.
    compat: 'yaml-1.1',
  }).trimEnd()
