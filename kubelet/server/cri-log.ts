/** Pure: lines of the runtime's log files: `<time> <stream> <P|F> <text>`. */

export interface LogEntry {
  /** RFC 3339 with nanoseconds, as the runtime wrote it. */
  time: string
  stream: 'stdout' | 'stderr'
  /** The text goes on in the next line. */
  partial: boolean
  text: string
}

/** Undefined for a line that is not one of the runtime's. */
export function parseLogLine(line: string): LogEntry | undefined {
  const first = line.indexOf(' ')
  const second = line.indexOf(' ', first + 1)
  const third = line.indexOf(' ', second + 1)
  if (first < 0 || second < 0 || third < 0) return undefined
  const stream = line.slice(first + 1, second)
  if (stream !== 'stdout' && stream !== 'stderr') return undefined
  const tags = line.slice(second + 1, third).split(':')
  return { time: line.slice(0, first), stream, partial: tags[0] === 'P', text: line.slice(third + 1) }
}
