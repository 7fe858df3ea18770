/** The map of all places. */
import type { Section } from '../sections'
import MapPage from './MapPage.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: MapPage, words: { zh, en } } satisfies Section
