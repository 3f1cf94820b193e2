-- The types of jobs that come with rcq (src/handlers).

INSERT INTO rcq_private.task_type (name, shipped, command, payload_schema, defaults, limits, description) VALUES
('add_numbers', true, 'rcq-handler add_numbers',
 '{"type": "object", "required": ["numbers"], "additionalProperties": false,
   "properties": {"numbers": {"type": "array", "items": {"type": "number"}}}}', '{}', '{}',
 'Adds numbers: {"numbers": [1, 2.5]} -> {"sum": 3.5}'),
('reverse_string', true, 'rcq-handler reverse_string',
 '{"type": "object", "required": ["text"], "additionalProperties": false, "properties": {"text": {"type": "string"}}}', '{}', '{}',
 'Reverses a text: {"text": "abc"} -> {"text": "cba"}'),
('resize_image', true, 'rcq-handler resize_image',
 '{"type": "object", "required": ["image"], "additionalProperties": false,
   "properties": {"image": {"type": "string", "minLength": 1},
                  "width": {"type": "integer", "minimum": 1, "maximum": 10000},
                  "height": {"type": "integer", "minimum": 1, "maximum": 10000},
                  "format": {"enum": ["png", "jpeg", "webp", "gif"]}}}', '{"memory_gb": 2}', '{}',
 'Scales an image (PNG, JPEG, WebP, GIF, BMP): {"image": base64, "width": 200} -> {"image": base64, "width": 200, "height": 150, "format": "png"}; one of width and height may be missing, format is that of the input when missing'),
('large_array_sum', true, 'rcq-handler large_array_sum',
 '{"type": "object", "required": ["numbers"], "additionalProperties": false,
   "properties": {"numbers": {"type": "array", "items": {"type": "number"}}}}', '{"cpu_cores": 4, "cpu_cores_min": 1}', '{}',
 'Adds numbers, in a chunk for each core that it gets: {"numbers": [1, 2, 3]} -> {"sum": 6, "chunks": 3}');
