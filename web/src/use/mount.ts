/** Starts a page: the base style and its words. */
// Of Vant's style only what is used: its `style` entries would bring an icon font along.
import 'vant/es/style/base.css'
import '../styles/base.css'
import { type Component, createApp } from 'vue'
import { LOCALE_KEY, type PageWords, createWords } from '../i18n'
import { keepFocusOnPage } from './focus'
import { storage } from './storage'
import { notify } from './toast'
import { followVisibleArea } from './visible-area'

/** Long enough to read two sentences, ms. */
const NOTHING_KEPT_MS = 9000

export function mount(page: Component, words: PageWords): void {
  const plugin = createWords(words, storage.getItem(LOCALE_KEY))
  createApp(page).use(plugin).mount('#app')
  keepFocusOnPage()
  followVisibleArea()
  if (!storage.lasts) notify(plugin.global.t('common.nothing_kept'), NOTHING_KEPT_MS)
}
