/** Pure: `$(NAME)` in commands, arguments and values; `$$(NAME)` stays, an unknown name stays as it is written. */

export function expand(text: string, valueOf: (name: string) => string | undefined): string {
  return text.replace(/\$(?:\$|\(([^()]*)\))/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$'
    return valueOf(name) ?? whole
  })
}
