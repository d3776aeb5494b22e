import cctvIcon from 'lucide-static/icons/cctv.svg'
import { defineApp } from '../../base/app.ts'
import { wordsOf } from '../../base/i18n.ts'

const t = wordsOf({ title: 'Cameras', description: 'Add, edit and test cameras; how each stream is doing' })

export const cameras = defineApp({
  id: 'cameras',
  title: t('title'),
  description: t('description'),
  icon: cctvIcon,
  tint: ['#2a9d8f', '#176b61'],
  menu: 'surveillance',
  keywords: ['camera', 'channel', 'onvif', 'rtsp', 'stream', 'health', 'gap'],
  needs: 'surveillance.manage',
  singleton: true,
  sizePx: [1080, 640],
  minSizePx: [420, 320],
  tag: 'nj-cameras',
  open: () => import('./nj-cameras.ts'),
})
