/** Capacity: how full each store's windows are. */
import type { Section } from '../sections'
import Capacity from './Capacity.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Capacity, words: { zh, en } } satisfies Section
