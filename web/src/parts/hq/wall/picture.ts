/** A picture of the wall: its figures as text, its charts as they are drawn. */
export interface WallPicture {
  title: string
  subtitle: string
  figures: { name: string; value: string; note: string }[]
  charts: { title: string; canvas: HTMLCanvasElement | null }[]
  colours: { ink: string; ink2: string; card: string; line: string; back: string }
}

const WIDTH = 1600
const PAD = 32
const COLUMNS = 4
const TILE_HEIGHT = 120
const INSET = 16
const NOTE_SIZE = 16
const NOTE_LINE = 20
const NOTE_LINES_MAX = 4
const CHART_HEIGHT = 420
const GAP = 16

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

/** Draw it, as the bytes of a PNG. */
export async function drawPicture(wall: WallPicture): Promise<Blob | null> {
  const rows = Math.ceil(wall.figures.length / COLUMNS)
  const width = (WIDTH - 2 * PAD - (COLUMNS - 1) * GAP) / COLUMNS
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d')
  if (!context) return null
  const font = getComputedStyle(document.body).fontFamily
  context.font = `400 ${NOTE_SIZE}px ${font}`
  const measure = (text: string) => context.measureText(text).width
  const notes = wall.figures.map(({ note }) =>
    linesOf(note, width - 2 * INSET, measure).slice(0, NOTE_LINES_MAX),
  )
  const lines = Math.max(1, ...notes.map(({ length }) => length))
  const tileHeight = TILE_HEIGHT + (lines - 1) * NOTE_LINE
  const chartsTop = PAD + 84 + rows * (tileHeight + GAP)
  canvas.width = WIDTH
  canvas.height = chartsTop + (wall.charts.length ? CHART_HEIGHT : 0) + PAD
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
    const x = PAD + (index % COLUMNS) * (width + GAP)
    const y = PAD + 84 + Math.floor(index / COLUMNS) * (tileHeight + GAP)
    box(x, y, width, tileHeight)
    write(figure.name, x + INSET, y + 30, 18, ink2)
    write(figure.value, x + INSET, y + 72, 36, ink, 700)
    notes[index]?.forEach((line, at) => write(line, x + INSET, y + 104 + at * NOTE_LINE, NOTE_SIZE, ink2))
  })
  const wide = (WIDTH - 2 * PAD - (wall.charts.length - 1) * GAP) / Math.max(1, wall.charts.length)
  wall.charts.forEach((chart, index) => {
    const x = PAD + index * (wide + GAP)
    box(x, chartsTop, wide, CHART_HEIGHT)
    write(chart.title, x + 16, chartsTop + 32, 20, ink, 600)
    if (!chart.canvas) return
    const scale = Math.min((wide - 32) / chart.canvas.width, (CHART_HEIGHT - 64) / chart.canvas.height)
    context.drawImage(
      chart.canvas,
      x + 16,
      chartsTop + 48,
      chart.canvas.width * scale,
      chart.canvas.height * scale,
    )
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
