/** Starts a page: the base style and its words. */
// Of Vant's style only what is used: its `style` entries would bring an icon font along.
import 'vant/es/style/base.css'
import 'vant/es/overlay/index.css'
import 'vant/es/popup/index.css'
import 'vant/es/toast/index.css'
import '../styles/base.css'
import { type Component, createApp } from 'vue'
import { type PageWords, createWords } from '../i18n'
import { keepFocusOnPage } from './focus'

export function mount(page: Component, words: PageWords): void {
  createApp(page).use(createWords(words)).mount('#app')
  keepFocusOnPage()
}
