#!/bin/sh
# A request that takes a second, to be in flight while the app is told to stop.
sleep 1
printf 'Content-Type: application/json\r\n\r\n'
cat "$WWW/index.json"
