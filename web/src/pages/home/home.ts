/** Starts the front page. */
import { words } from '../../i18n/home'
import { mount } from '../../use/mount'
import Home from './Home.vue'

mount(Home, words)
