# Adds the connector's image, a source and a daily connection to a self-managed Airbyte: terraform apply
# With shards = 4 these are four sources and connections, each with its part of the accounts and a namespace of its own.
# Give the secrets as TF_VAR_client_id, TF_VAR_client_secret and TF_VAR_oneup_api_key.
terraform {
  required_providers {
    airbyte = {
      source  = "airbytehq/airbyte"
      version = "~> 1.0"
    }
  }
}

variable "airbyte_url" { type = string }
variable "workspace_id" { type = string }
variable "destination_id" { type = string }
variable "shards" {
  type    = number
  default = 1
}
variable "requests_per_minute" { # of the key, so of all shards together
  type    = number
  default = 120
}
variable "client_id" {
  type      = string
  sensitive = true
}
variable "client_secret" {
  type      = string
  sensitive = true
}
variable "oneup_api_key" {
  type      = string
  sensitive = true
}

provider "airbyte" {
  server_url    = "${var.airbyte_url}/api/public/v1"
  token_url     = "${var.airbyte_url}/api/public/v1/applications/token"
  client_id     = var.client_id
  client_secret = var.client_secret
}

resource "airbyte_source_definition" "oneup_pinterest" {
  name              = "OneUp Pinterest Analytics"
  workspace_id      = var.workspace_id
  docker_repository = "airbyte/source-oneup-pinterest"
  docker_image_tag  = "0.1.0"
}

resource "airbyte_source" "oneup_pinterest" {
  count         = var.shards
  name          = var.shards > 1 ? "OneUp Pinterest ${count.index + 1}/${var.shards}" : "OneUp Pinterest"
  workspace_id  = var.workspace_id
  definition_id = airbyte_source_definition.oneup_pinterest.id
  configuration = jsonencode({
    api_key                 = var.oneup_api_key
    shard                   = "${count.index + 1}/${var.shards}"
    max_requests_per_minute = floor(var.requests_per_minute / var.shards)
    timezone                = "UTC"
  })
}

resource "airbyte_connection" "oneup_pinterest" {
  count                = var.shards
  name                 = "${airbyte_source.oneup_pinterest[count.index].name}, daily"
  source_id            = airbyte_source.oneup_pinterest[count.index].source_id
  destination_id       = var.destination_id
  schedule             = { schedule_type = "cron", cron_expression = "0 0 4 * * ?" }
  namespace_definition = var.shards > 1 ? "custom_format" : "destination"
  namespace_format     = var.shards > 1 ? "oneup_pinterest_${count.index + 1}" : null
  configurations = {
    streams = [
      { name = "overview_metrics", sync_mode = "incremental_deduped_history" },
      { name = "pins", sync_mode = "incremental_deduped_history" },
      { name = "account_followers", sync_mode = "incremental_deduped_history" },
      { name = "post_performance", sync_mode = "incremental_deduped_history" },
      { name = "pin_totals", sync_mode = "incremental_deduped_history" },
      { name = "accounts", sync_mode = "full_refresh_overwrite" },
    ]
  }
}
