// The schema of `index`: a cache of what the files say. Instants are microseconds since the epoch where they end in `_us`.
import type { Migration } from '../database.ts'

export const indexMigrations: Migration[] = [
  {
    name: '001-first',
    async up(knex) {
      const make = async (name: string, columns: Parameters<typeof knex.schema.createTable>[1]) => {
        if (!(await knex.schema.hasTable(name))) await knex.schema.createTable(name, columns)
      }

      // One row a segment file: `SegmentRow` of recording/recorder-protocol.ts says what each column means.
      await make('segment', (table) => {
        table.string('space_id', 36).notNullable()
        table.bigInteger('sequence').notNullable()
        table.string('segment_id', 36).notNullable()
        table.string('camera_id', 36).notNullable()
        table.integer('stream').notNullable()
        table.string('kind', 8).notNullable()
        table.string('run_id', 16).notNullable()
        table.integer('run_index').notNullable()
        table.string('path', 255).notNullable()
        table.bigInteger('start_us').notNullable()
        table.bigInteger('end_us').notNullable()
        table.bigInteger('size_bytes').notNullable()
        table.bigInteger('footer_offset').notNullable()
        table.bigInteger('footer_bytes').notNullable()
        table.integer('video_samples').notNullable()
        table.integer('audio_samples').notNullable()
        table.integer('flags').notNullable()
        table.string('video_codec', 8).notNullable()
        table.string('audio_codec', 8).notNullable()
        table.integer('width_px').notNullable()
        table.integer('height_px').notNullable()
        table.primary(['space_id', 'sequence'])
        // By time, for playback and export; by place in the run, to keep `run`.
        table.index(['camera_id', 'stream', 'kind', 'end_us'], 'segment_by_time')
        table.index(['camera_id', 'stream', 'kind', 'run_id', 'run_index'], 'segment_by_run')
        // Open segments have no footer: found again at a start.
        table.index(['footer_offset'], 'segment_by_footer')
      })

      // One row an unbroken stretch: the segments `first_index` to `last_index` of a run, all of them there. A run has
      // one row until a segment is taken from its middle; then one on each side, so that a timeline shows the hole.
      await make('run', (table) => {
        table.string('camera_id', 36).notNullable()
        table.integer('stream').notNullable()
        table.string('kind', 8).notNullable()
        table.string('run_id', 16).notNullable()
        table.integer('first_index').notNullable()
        table.integer('last_index').notNullable()
        table.bigInteger('start_us').notNullable()
        table.bigInteger('end_us').notNullable()
        table.primary(['camera_id', 'stream', 'kind', 'run_id', 'first_index'])
        // A timeline is one range of this index a camera, and reads nothing else.
        table.index(['camera_id', 'end_us', 'start_us', 'stream', 'kind', 'run_id'], 'run_by_time')
      })

      await make('gap', (table) => {
        table.string('camera_id', 36).notNullable()
        table.integer('stream').notNullable()
        table.bigInteger('start_us').notNullable()
        // Null while the gap lasts.
        table.bigInteger('end_us')
        table.string('cause', 32).notNullable()
        table.string('detail', 512).notNullable()
        table.primary(['camera_id', 'stream', 'start_us'])
      })

      // A minute of a stream's 24 h graph; older ones are removed.
      await make('health_point', (table) => {
        table.string('camera_id', 36).notNullable()
        table.integer('stream').notNullable()
        table.bigInteger('at_ms').notNullable().index()
        table.double('fps').notNullable()
        table.double('bitrate_kbps').notNullable()
        table.integer('lost_packets').notNullable()
        table.integer('dropped_frames').notNullable()
        table.double('live_sec').notNullable()
        table.primary(['camera_id', 'stream', 'at_ms'])
      })

      // One value a key, as JSON: whether all files have been read into this index.
      await make('index_state', (table) => {
        table.string('name', 64).primary()
        table.text('value').notNullable()
      })
    },
  },
]
