/** The scheduled lives of all rooms, by week. */
import type { Section } from '../sections'
import Schedule from './Schedule.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Schedule, words: { zh, en } } satisfies Section
