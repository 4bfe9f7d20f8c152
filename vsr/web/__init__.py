"""The page at localhost: the upscaled stream by WebRTC, the browser's own camera as a source."""
