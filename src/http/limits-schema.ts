import { Type } from '../base/schema.ts';

const Count = (description: string) => Type.Optional(Type.Integer({ minimum: 1, description }));

/** The limits of a key or of a signed URL (`KeyLimits`); `limitsOf` and `writtenLimitsOf` are between them. */
export const LimitsSchema = Type.Object(
  {
    streams_max: Count('Different streams at once.'),
    viewers_max: Count('Viewers at once.'),
    starts_per_minute: Count('Starts of streams.'),
    bytes_per_second: Count('All viewers together.'),
    on_limit: Type.Optional(
      Type.Union([Type.Literal('replace_oldest'), Type.Literal('refuse')], {
        description: 'At streams_max: the oldest stream ends, or the new one is refused.',
      }),
    ),
  },
  { additionalProperties: false, description: 'What is left out has no limit of its own.' },
);
