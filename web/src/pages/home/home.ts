/** Starts the front page. */
import { mount } from '../../use/mount'
import Home from './Home.vue'

mount(Home)
