"""Set up the kit on a machine: the nightly job of cron, systemd, launchd, Windows or GitHub Actions."""
