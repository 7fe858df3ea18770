/** Starts the front page. */
import { mount } from '../parts/mount'
import Home from './Home.vue'

mount(Home)
