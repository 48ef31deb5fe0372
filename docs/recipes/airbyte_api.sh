#!/usr/bin/env bash
# Adds the connector's image, a source and a daily connection to a self-managed Airbyte: bash airbyte_api.sh
# With SHARDS=4 these are four sources and connections, each with its part of the accounts and a namespace of its own.
# The variables below come from the environment; nothing secret is on a command line. Needs curl and python3.
set -euo pipefail
: "${AIRBYTE_URL:?}" "${AIRBYTE_CLIENT_ID:?}" "${AIRBYTE_CLIENT_SECRET:?}" "${AIRBYTE_WORKSPACE_ID:?}"
: "${AIRBYTE_DESTINATION_ID:?}" "${ONEUP_API_KEY:?}"
image=${IMAGE:-airbyte/source-oneup-pinterest}
tag=${TAG:-0.1.0}
shards=${SHARDS:-1}
requests=${REQUESTS_PER_MINUTE:-120} # of the key, so of all shards together
token=

post() { # the path; the body is on stdin
  curl --fail-with-body --silent --show-error --header 'Content-Type: application/json' \
    --header @<(printf '%s' "${token:+Authorization: Bearer $token}") --data @- "$AIRBYTE_URL/api/public/v1/$1"
}
value_of() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

token=$(post applications/token <<EOF | value_of access_token
{"client_id": "$AIRBYTE_CLIENT_ID", "client_secret": "$AIRBYTE_CLIENT_SECRET", "grant-type": "client_credentials"}
EOF
)
definition=$(post "workspaces/$AIRBYTE_WORKSPACE_ID/definitions/sources" <<EOF | value_of id
{"name": "OneUp Pinterest Analytics", "dockerRepository": "$image", "dockerImageTag": "$tag"}
EOF
)
for ((shard = 1; shard <= shards; shard++)); do
  name="OneUp Pinterest" namespace='"namespaceDefinition": "destination"'
  if ((shards > 1)); then
    name="$name $shard/$shards"
    namespace="\"namespaceDefinition\": \"custom_format\", \"namespaceFormat\": \"oneup_pinterest_$shard\""
  fi
  source=$(post sources <<EOF | value_of sourceId
{
  "name": "$name",
  "workspaceId": "$AIRBYTE_WORKSPACE_ID",
  "definitionId": "$definition",
  "configuration": {
    "api_key": "$ONEUP_API_KEY",
    "shard": "$shard/$shards",
    "max_requests_per_minute": $((requests / shards)),
    "timezone": "UTC"
  }
}
EOF
  )
  post connections <<EOF | value_of connectionId
{
  "name": "$name, daily",
  "sourceId": "$source",
  "destinationId": "$AIRBYTE_DESTINATION_ID",
  "schedule": {"scheduleType": "cron", "cronExpression": "0 0 4 * * ?"},
  $namespace,
  "configurations": {
    "streams": [
      {"name": "overview_metrics", "syncMode": "incremental_deduped_history"},
      {"name": "pins", "syncMode": "incremental_deduped_history"},
      {"name": "account_followers", "syncMode": "incremental_deduped_history"},
      {"name": "post_performance", "syncMode": "incremental_deduped_history"},
      {"name": "pin_totals", "syncMode": "incremental_deduped_history"},
      {"name": "accounts", "syncMode": "full_refresh_overwrite"}
    ]
  }
}
EOF
done
