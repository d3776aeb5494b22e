import videoIcon from 'lucide-static/icons/video.svg'
import { defineApp } from '../../base/app.ts'
import { wordsOf } from '../../base/i18n.ts'

const t = wordsOf({ title: 'Live View', description: 'What the cameras see now' })

export const liveView = defineApp({
  id: 'live-view',
  title: t('title'),
  description: t('description'),
  icon: videoIcon,
  tint: ['#e4572e', '#a8321a'],
  menu: 'applications',
  keywords: ['live', 'video', 'tiles', 'layout', 'watch'],
  needs: 'live.view',
  singleton: true,
  sizePx: [1160, 700],
  minSizePx: [360, 280],
  tag: 'nj-live-view',
  open: () => import('./nj-live-view.ts'),
})
