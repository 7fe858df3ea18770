/** A picture of the wall: its figures as text, its charts as they are drawn. */
export interface WallPicture {
  title: string
  subtitle: string
  /** The first one has twice the width of the others. */
  figures: { name: string; value: string; note: string }[]
  charts: { title: string; canvas: HTMLCanvasElement | null }[]
  /** Beside each other, each row a name and what belongs to it. */
  lists: { title: string; rows: { name: string; value: string }[] }[]
  colours: { ink: string; ink2: string; card: string; line: string; back: string }
}

const WIDTH = 1600
const PAD = 32
const COLUMNS = 5
const TILE_HEIGHT = 120
const INSET = 16
const NOTE_SIZE = 16
const NOTE_LINE = 20
const NOTE_LINES_MAX = 4
const CHART_HEAD = 48
const CHART_HEIGHT_MAX = 480
const GAP = 16
const LIST_TOP = 60
const LIST_LINE = 34
const LIST_SIZE = 18

/** A text in lines of a width at most; Latin words stay whole where they fit, Chinese breaks anywhere. */
export function linesOf(text: string, width: number, measure: (text: string) => number): string[] {
  const parts = text.match(/[\u2e80-\uffef]|[^\s\u2e80-\uffef]+|\s+/g) ?? []
  const lines: string[] = []
  let line = ''
  for (const part of parts)
    if (!line || measure(line + part.trimEnd()) <= width) line += part
    else {
      lines.push(line.trimEnd())
      line = part.trimStart()
    }
  return line.trim() ? [...lines, line.trimEnd()] : lines
}

/** A text in one line of a width at most, its end left out if need be. */
export function shortened(text: string, width: number, measure: (text: string) => number): string {
  if (measure(text) <= width) return text
  let end = text.length
  while (end > 0 && measure(`${text.slice(0, end)}…`) > width) end -= 1
  return `${text.slice(0, end)}…`
}

/** Draw it, as the bytes of a PNG. */
export async function drawPicture(wall: WallPicture): Promise<Blob | null> {
  const rows = Math.ceil((wall.figures.length + 1) / COLUMNS)
  const width = (WIDTH - 2 * PAD - (COLUMNS - 1) * GAP) / COLUMNS
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d')
  if (!context) return null
  const font = getComputedStyle(document.body).fontFamily
  context.font = `400 ${NOTE_SIZE}px ${font}`
  const measure = (text: string) => context.measureText(text).width
  const widthOf = (index: number) => (index ? width : 2 * width + GAP)
  const notes = wall.figures.map(({ note }, index) =>
    linesOf(note, widthOf(index) - 2 * INSET, measure).slice(0, NOTE_LINES_MAX),
  )
  const lines = Math.max(1, ...notes.map(({ length }) => length))
  const tileHeight = TILE_HEIGHT + (lines - 1) * NOTE_LINE
  const chartsTop = PAD + 84 + rows * (tileHeight + GAP)
  const charts = wall.charts.flatMap(({ title, canvas }) =>
    canvas ? [{ title, canvas, aspect: canvas.width / canvas.height }] : [],
  )
  // All of one height, each as wide as its shape wants.
  const inner = WIDTH - 2 * PAD - (charts.length - 1) * GAP - charts.length * 2 * INSET
  const aspects = charts.reduce((sum, { aspect }) => sum + aspect, 0)
  const chartHeight = Math.min(CHART_HEIGHT_MAX, inner / aspects)
  const chartBox = CHART_HEAD + chartHeight + INSET
  const listsTop = chartsTop + (charts.length ? chartBox + GAP : 0)
  const listed = wall.lists.filter(({ rows }) => rows.length > 0)
  const listHeight = LIST_TOP + LIST_LINE * Math.max(0, ...listed.map(({ rows }) => rows.length))
  canvas.width = WIDTH
  canvas.height = listsTop + (listed.length ? listHeight : 0) + PAD
  const { ink, ink2, card, line, back } = wall.colours
  const write = (text: string, x: number, y: number, size: number, colour: string, weight = 400) => {
    context.font = `${weight} ${size}px ${font}`
    context.fillStyle = colour
    context.fillText(text, x, y)
  }
  const box = (x: number, y: number, width: number, height: number) => {
    context.fillStyle = card
    context.strokeStyle = line
    context.beginPath()
    context.roundRect(x, y, width, height, 12)
    context.fill()
    context.stroke()
  }
  context.fillStyle = back
  context.fillRect(0, 0, canvas.width, canvas.height)
  write(wall.title, PAD, PAD + 34, 34, ink, 700)
  write(wall.subtitle, PAD, PAD + 66, 20, ink2)
  wall.figures.forEach((figure, index) => {
    const place = index && index + 1
    const x = PAD + (place % COLUMNS) * (width + GAP)
    const y = PAD + 84 + Math.floor(place / COLUMNS) * (tileHeight + GAP)
    box(x, y, widthOf(index), tileHeight)
    write(figure.name, x + INSET, y + 30, 18, ink2)
    write(figure.value, x + INSET, y + 72, 36, ink, 700)
    notes[index]?.forEach((line, at) => write(line, x + INSET, y + 104 + at * NOTE_LINE, NOTE_SIZE, ink2))
  })
  let x = PAD
  for (const { title, canvas, aspect } of charts) {
    const wide = (inner * aspect) / aspects
    box(x, chartsTop, wide + 2 * INSET, chartBox)
    write(title, x + INSET, chartsTop + 32, 20, ink, 600)
    const drawn = Math.min(wide, chartHeight * aspect)
    context.drawImage(canvas, x + INSET, chartsTop + CHART_HEAD, drawn, drawn / aspect)
    x += wide + 2 * INSET + GAP
  }
  const broad = (WIDTH - 2 * PAD - (listed.length - 1) * GAP) / Math.max(1, listed.length)
  listed.forEach(({ title, rows }, index) => {
    const x = PAD + index * (broad + GAP)
    box(x, listsTop, broad, listHeight)
    write(title, x + INSET, listsTop + 32, 20, ink, 600)
    rows.forEach(({ name, value }, at) => {
      const y = listsTop + LIST_TOP + at * LIST_LINE + 16
      context.font = `400 ${LIST_SIZE}px ${font}`
      const wide = measure(value)
      write(shortened(name, broad - 3 * INSET - wide, measure), x + INSET, y, LIST_SIZE, ink)
      write(value, x + broad - INSET - wide, y, LIST_SIZE, ink2)
    })
  })
  return await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
}

/** Have the browser save bytes as a file. */
export function save(bytes: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(bytes)
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
