/** The options of the wall's charts. */
import type { EChartsCoreOption } from '../../../parts/hq/wall/echarts'

export interface Theme {
  ink: string
  ink2: string
  line: string
  accent: string
  soft: string
  card: string
}
export const LIGHT: Theme = {
  ink: '#22281f',
  ink2: '#565e51',
  line: '#e3ddd0',
  accent: '#1b7a43',
  soft: '#8c8778',
  card: '#ffffff',
}
export const DARK: Theme = {
  ink: '#eef4ec',
  ink2: '#aab8ab',
  line: '#2c3a31',
  accent: '#5fd38b',
  soft: '#7f9184',
  card: '#16211b',
}

const BUCKETS = 144
/** Amounts below nothing are shown from this part of the largest one on. */
const NEGATIVE_SHOWN = 50
const clockOf = (bucket: number) =>
  `${String(Math.floor(bucket / 6)).padStart(2, '0')}:${String((bucket % 6) * 10).padStart(2, '0')}`
const yuan = (fen: number) => Math.round(fen) / 100

function frame(theme: Theme): EChartsCoreOption {
  return {
    animation: false,
    textStyle: { color: theme.ink2, fontFamily: 'inherit' },
    grid: { left: 8, right: 16, top: 36, bottom: 4, containLabel: true },
    tooltip: {
      trigger: 'axis',
      backgroundColor: theme.card,
      borderColor: theme.line,
      textStyle: { color: theme.ink },
    },
  }
}

export function curveChart(
  theme: Theme,
  names: { today: string; lastWeek: string },
  today: number[],
  lastWeek: number[] | null,
): EChartsCoreOption {
  const series = [
    {
      name: names.today,
      type: 'line',
      showSymbol: false,
      lineStyle: { width: 3, color: theme.accent },
      itemStyle: { color: theme.accent },
      areaStyle: { color: theme.accent, opacity: 0.12 },
      data: today.map(yuan),
    },
    ...(lastWeek
      ? [
          {
            name: names.lastWeek,
            type: 'line',
            showSymbol: false,
            lineStyle: { width: 2, type: 'dashed', color: theme.soft },
            itemStyle: { color: theme.soft },
            data: lastWeek.map(yuan),
          },
        ]
      : []),
  ]
  return {
    ...frame(theme),
    legend: { top: 0, left: 8, textStyle: { color: theme.ink2 }, itemWidth: 18 },
    xAxis: {
      type: 'category',
      boundaryGap: false,
      data: Array.from({ length: BUCKETS }, (_, bucket) => clockOf(bucket)),
      axisLabel: { color: theme.ink2, interval: 23 },
      axisLine: { lineStyle: { color: theme.line } },
    },
    yAxis: {
      type: 'value',
      // A few fen below nothing do not make half of the chart empty.
      min: ({ min, max }: { min: number; max: number }) => (min < -max / NEGATIVE_SHOWN ? null : 0),
      axisLabel: { color: theme.ink2 },
      splitLine: { lineStyle: { color: theme.line } },
    },
    series,
  }
}

export function minutesChart(
  theme: Theme,
  name: string,
  minutes: number[],
  now_ms: number,
): EChartsCoreOption {
  const minuteOf = (ago: number) => {
    const at = new Date(now_ms - ago * 60_000 + 8 * 3_600_000)
    return `${String(at.getUTCHours()).padStart(2, '0')}:${String(at.getUTCMinutes()).padStart(2, '0')}`
  }
  const labels = minutes.map((_, index) => minuteOf(minutes.length - 1 - index))
  return barChart(theme, name, labels, minutes, 9)
}

/** Bars under labels, of which only each so many and one are shown. */
export function barChart(
  theme: Theme,
  name: string,
  labels: string[],
  values: number[],
  interval: number | 'auto' = 'auto',
): EChartsCoreOption {
  return {
    ...frame(theme),
    grid: { left: 8, right: 16, top: 12, bottom: 4, containLabel: true },
    xAxis: {
      type: 'category',
      data: labels,
      axisLabel: { color: theme.ink2, interval },
      axisLine: { lineStyle: { color: theme.line } },
    },
    yAxis: {
      type: 'value',
      minInterval: 1,
      axisLabel: { color: theme.ink2 },
      splitLine: { lineStyle: { color: theme.line } },
    },
    series: [{ name, type: 'bar', itemStyle: { color: theme.accent }, barCategoryGap: '30%', data: values }],
  }
}
