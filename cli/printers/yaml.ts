/** `-o yaml`: members in the order of their names, lists not indented, strings quoted as Go quotes them. */
import { Document, visit } from 'yaml'
import type { JsonObject } from '../../api/json.ts'
import { sortMembers } from './json.ts'

export function printYaml(object: JsonObject): string {
  const document = new Document(sortMembers(object), { aliasDuplicateObjects: false, compat: 'yaml-1.1' })
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string' && looksTyped(scalar.value)) scalar.type = 'QUOTE_DOUBLE'
    },
  })
  return document.toString({ indentSeq: false, lineWidth: 0, singleQuote: true }).trimEnd()
}

const WORD = /^(?:y|n|yes|no|on|off|true|false|null|~|)$/i
const NUMBER =
  /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-f_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?|\.[0-9][0-9_]*(?:e[-+]?[0-9]+)?|\.inf|\.nan)$/i
/** `1:30` is a number of base 60 to readers of YAML 1.1. */
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/
const TIMESTAMP = /^\d{4}-\d\d?-\d\d?(?:(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)?$/

/** Strings that would be read as something else stand in double quotes, other awkward ones in single ones. */
const looksTyped = (text: string): boolean => WORD.test(text) || NUMBER.test(text) || BASE_60.test(text) || TIMESTAMP.test(text)
