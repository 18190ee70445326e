/** Aligns tab-separated cells as Go's text/tabwriter does: a column is as wide as its cells in lines that follow each other. */

interface Options {
  minimumWidth?: number
  padding?: number
}

/** Lines of cells that end in tabs; what follows the last tab of a line is never padded. */
export function alignTabs(text: string, { minimumWidth = 0, padding = 2 }: Options = {}): string {
  const lines = text.split('\n').map((line) => line.split('\t'))
  const widths = lines.map((cells) => Array.from<number>({ length: cells.length - 1 }))
  for (let start = 0; start < lines.length; start++) {
    for (let column = 0; column < lines[start]!.length - 1; column++) {
      if (widths[start]![column] !== undefined) continue
      // The block: following lines that have a cell in this column too.
      let end = start
      let width = 0
      while (end < lines.length && column < lines[end]!.length - 1) width = Math.max(width, displayWidth(lines[end++]![column]!))
      const padded = Math.max(minimumWidth, width + padding)
      for (let line = start; line < end; line++) widths[line]![column] = padded
    }
  }
  return lines.map((cells, line) => cells.map((cell, column) => pad(cell, widths[line]![column])).join('')).join('\n')
}

const displayWidth = (text: string) => [...text].length

const pad = (cell: string, width: number | undefined) =>
  width === undefined ? cell : cell + ' '.repeat(Math.max(0, width - displayWidth(cell)))
