"""Write the nightly job as a workflow of GitHub Actions, and put it into the checkout in the current folder."""

from pathlib import Path

from oneup_pinterest.errors import UserError
from oneup_pinterest.setup.schedule.job import NAME, Job
from oneup_pinterest.setup.schedule.tools import Run, write_texts

FILE = f"{NAME}.yml"
FOLDER = Path(".github") / "workflows"
_TEMPLATE = Path(__file__).with_name("workflow.yml")
_CRON = 'cron: "0 6 * * *"'
_PAGE = "      # The report as a public page.\n"  # all that follows in the template is about it


def files(job: Job) -> dict[str, str]:
    """Return the workflow. Of the job it uses only the time, as UTC, and whether there is a report."""
    text = _TEMPLATE.read_text(encoding="utf-8").replace(_CRON, f'cron: "{job.at.minute} {job.at.hour} * * *"', 1)
    if job.report is None:
        text = text.partition(_PAGE)[0]
    return {FILE: text}


def instructions(job: Job) -> str:
    """Return what a person types."""
    page = "  gh api --method POST 'repos/{owner}/{repo}/pages' -f build_type=workflow" if job.report else ""
    path = (FOLDER / FILE).as_posix()
    return f"""Set up, in a checkout of a repository of yours, best a private one: save the file as {path}, then
  gh secret set ONEUP_API_KEY
{page}
  git add {path} && git commit -m "Sync Pinterest analytics every day" && git push
  gh workflow run {FILE}
Look: gh run list --workflow {FILE}
Take away: gh workflow disable {FILE}, then delete the file; gh secret delete ONEUP_API_KEY
The first lines of the file say who can see the data, and how to keep them in a bucket.""".replace("\n\n", "\n")


def install(job: Job, run: Run) -> str:
    """Write the workflow into the checkout in the current folder.

    Raises:
        UserError: The current folder is not the top of a checkout, or has another workflow of this name.
    """
    if not Path(".git").exists():
        raise UserError("The current folder is not a git checkout: change to the top folder of your repository.")
    text = files(job)[FILE]
    path = FOLDER / FILE
    if path.exists() and path.read_text(encoding="utf-8", errors="replace") != text:
        raise UserError(f"{path} exists and differs: remove it first, if you want the new workflow.")
    write_texts(FOLDER, {FILE: text})
    return f"Wrote {path}. Commit and push it, and set the secret ONEUP_API_KEY (`gh secret set ONEUP_API_KEY`)."
