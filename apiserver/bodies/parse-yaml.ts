/** YAML that anybody may have sent: refused while it is cheap to refuse, and read without what makes the parser slow. */
import { isMap, isScalar, Lexer, parseDocument, visit } from 'yaml'

/** A manifest of 30,000 lines has fewer. The parser takes tens of microseconds for each, and nobody else is served meanwhile. */
const MAX_TOKENS = 200_000

/** Throws an Error that says why not. Lists and maps in brackets, which alone can be deep in a short text, go down to `maxDepth`. */
export function parseYaml(text: string, maxDepth: number): unknown {
  checkTokens(text, maxDepth)
  // Unique keys are compared each with each there; errors are drawn with the lines around them, each of a hundred thousand.
  const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false, schema: 'core', logLevel: 'error' })
  const [error] = document.errors
  // The text that was not expected may be a secret's, and messages go to logs.
  if (error) throw error.code === 'UNEXPECTED_TOKEN' ? new Error(error.message.replace(/: ".*"/s, '')) : error
  visit(document, {
    Map(_key, { items }) {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key
        if (isMap(key) || seen.has(name)) throw new Error(`key ${JSON.stringify(name)} already set in map`)
        seen.add(name)
      }
    },
  })
  // Aliases make a small text a huge object; anything a person writes needs far fewer.
  return document.toJS({ maxAliasCount: 100 })
}

function checkTokens(text: string, maxDepth: number): void {
  let count = 0
  let depth = 0
  for (const token of new Lexer().lex(text)) {
    if (++count > MAX_TOKENS) throw new Error('document is too complex')
    if (token === '{' || token === '[') {
      if (++depth > maxDepth) throw new Error('exceeded max depth')
    } else if (token === '}' || token === ']') depth--
  }
}
