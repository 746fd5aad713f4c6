#!/bin/sh
# The answer for the files as they are at this moment.
printf 'Content-Type: application/json\r\n\r\n'
/app describe
