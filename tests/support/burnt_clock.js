// Reads the UTC clock that `linli publish` burns into its video (loadtest/sources/clock_pattern.py), ms of the day.
;(({ glyphs, x, y, width, height, cells }) => {
  const names = '0123456789:.'
  const canvas = new OffscreenCanvas(width * cells, height)
  const brush = canvas.getContext('2d', { willReadFrequently: true })
  function glyphAt(pixels, cell) {
    let best = 0
    let least = Infinity
    glyphs.forEach((glyph, index) => {
      let error = 0
      for (let row = 0; row < height; row += 2)
        for (let column = 0; column < width; column += 2) {
          const at = 4 * (row * width * cells + cell * width + column)
          // BT.709, limited range
          const luma = 16 + 0.1826 * pixels[at] + 0.6142 * pixels[at + 1] + 0.062 * pixels[at + 2]
          error += Math.abs(luma - glyph[row * width + column])
        }
      if (error < least) [least, best] = [error, index]
    })
    return names[best]
  }
  window.readClock = (video) => {
    brush.drawImage(video, x, y, width * cells, height, 0, 0, width * cells, height)
    const { data } = brush.getImageData(0, 0, width * cells, height)
    const text = Array.from({ length: cells }, (_, cell) => glyphAt(data, cell)).join('')
    const read = text.match(/^(\d\d):(\d\d):(\d\d)\.(\d{3})$/)
    if (!read) return null
    const [hours, minutes, seconds, millis] = read.slice(1).map(Number)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis
  }
})
