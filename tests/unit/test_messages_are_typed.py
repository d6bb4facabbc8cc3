"""The list of messages, and the test of each that makes its state and follows its advice."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
SOURCE = TESTS.parent / "src/alembic_lockstep"

#: From where `CouldNotJudge` is made to a test that goes on to a verdict.
TYPED = {
    "advice/failures.py:_missing_module": "a_module_that_another_python_has_is_loaded_there",
    "advice/failures.py:check_loaded": "an_installed_copy_is_made_editable_by_the_command",
    "advice/failures.py:could_not_judge": "what_the_application_lacks_is_named_and_leads_on",
    "advice/machine_errors.py:_changed": "it_is_judged_or_told_in_one_message",
    "advice/machine_errors.py:_unusable": "a_full_disk",
    "advice/services.py:with_stand_in": (
        "a_file_of_a_setting_that_is_not_staged_is_added_by_the_command"
    ),
    "alembic_env/at_tree.py:_refuse_devices": "a_configuration_that_is_a_device",
    "alembic_env/environments.py:_named_environment": (
        "a_configuration_that_is_misspelt_is_called_by_its_name"
    ),
    "alembic_env/missing_environments.py:no_application": (
        "an_application_that_flask_db_does_not_find_any_more_is_put_back_or_named"
    ),
    "alembic_env/missing_environments.py:no_configuration": (
        "a_configuration_that_is_lost_is_put_back_or_its_folder_deleted"
    ),
    "alembic_env/missing_environments.py:no_environment": (
        "a_configuration_that_is_on_disk_only_is_added_by_the_command"
    ),
    "alembic_env/missing_environments.py:no_section": (
        "a_section_that_alembic_finds_by_a_name_only_is_named_by_the_setting"
    ),
    "alembic_env/options.py:_parsed": "a_commit_that_mends_the_configuration_may_land",
    "cli.py:_run": "an_internal_error_is_in_every_report",
    "commands/doctor_command.py:doctor": "tables_that_create_all_made_are_noted",
    "config.py:_checked": "wrong_settings_are_corrected_as_the_message_says",
    "config.py:_find_keys": "wrong_settings_are_corrected_as_the_message_says",
    "config.py:_own_table": "wrong_settings_are_corrected_as_the_message_says",
    "config.py:_wrong": "wrong_settings_are_corrected_as_the_message_says",
    "config.py:parse_toml": "wrong_settings_are_corrected_as_the_message_says",
    "demo.py:_game": "a_folder_that_is_not_empty_is_left_for_a_new_one",
    "demo.py:_install": "what_could_not_be_installed_is_installed_by_the_command",
    "demo.py:quietly": "a_command_of_the_demo_that_fails_leads_to_an_environment_of_its_own",
    "doctor/code_history.py:code_of": "the_environment_of_a_database_is_named_by_the_option",
    "doctor/configured_url.py:configured_url": "what_is_the_database_at",
    "doctor/database_address.py:_unreadable": "a_url_that_cannot_be_read_is_not_shown",
    "doctor/live_database.py:_no_driver": "a_driver_that_is_missing_is_installed_with_the_extra",
    "doctor/live_database.py:unreadable": "missing_privileges",
    "doctor/scratch_schemas.py:refuse_other_database": (
        "a_project_of_another_dialect_is_configured_by_a_variable"
    ),
    "dryrun/access.py:end": "a_project_that_loses_its_folder_or_ends_its_python_is_judged_without",
    "dryrun/comparison.py:_base_does_not_start": (
        "an_old_migration_that_fails_is_put_down_to_nobody_if_the_base_does_not_start"
    ),
    "dryrun/process.py:_ended": (
        "a_project_that_loses_its_folder_or_ends_its_python_is_judged_without"
    ),
    "dryrun/process.py:_isolation": "a_guard_that_does_not_work_is_left_to_the_machine",
    "dryrun/process.py:_took_too_long": "more_time_is_given_by_the_printed_setting",
    "dryrun/runner.py:upgrade": "what_cannot_start_from_the_models_starts_from_a_file",
    "dryrun/scratch_runner.py:read_sql": (
        "a_file_of_a_setting_that_is_not_staged_is_added_by_the_command"
    ),
    "errors.py:with_fix": "a_variable_that_beats_the_printed_setting_is_named",
    "errors.py:within": "a_commit_of_several_that_cannot_be_judged_is_named_and_amended",
    "git/ci_range.py:_nothing_to_compare": "an_event_without_commits_is_no_pass",
    "git/ci_range.py:_of_request": ("the_target_checked_out_for_a_pull_request_is_no_pass"),
    "git/ci_range.py:_present": "what_a_forced_push_replaced_is_fetched_or_another_commit_named",
    "git/command.py:run_git": "a_search_that_takes_too_long_is_said_to",
    "git/command.py:_failure": "objects_that_were_lost",
    "git/command.py:_missing": "objects_that_were_lost",
    "git/command.py:_not_installed": "git_that_is_not_there_is_installed",
    "git/commit_ranges.py:commits": "each_commit_of_a_pull_request_is_the_branches_own",
    "git/commit_ranges.py:merge_base": ("branches_without_a_common_commit_are_compared_as_trees"),
    "git/commit_ranges.py:merge_result": "a_git_that_cannot_merge_trees_is_told_of",
    "git/repository.py:_no_such_revision": "a_shallow_clone",
    "git/repository.py:_refuse_conflicts": "conflicts_in_the_index",
    "git/submodules.py:_behind": "a_submodule_that_is_not_here_is_told_with_its_command",
    "git/workplace.py:find_workplace": "a_folder_for_the_checkout_is_made_by_the_command",
    "init/setup.py:set_up": "init_of_a_repository_without_a_commit",
    "interpreters/candidates.py:_no_such_python": (
        "a_python_that_does_not_exist_leads_to_the_one_that_does"
    ),
    "interpreters/choice.py:_first_fitting": (
        "a_setting_of_a_python_without_the_project_is_removed"
    ),
    "rebase/rebase_plan.py:plan_rebase": "two_heads_of_main_are_merged",
    "rebase/rebase_plan.py:refuse_unstaged": "edits_that_are_not_staged_are_staged_first",
    "report/output.py:write": "a_report_that_cannot_be_written_blocks",
    "scratch/by_url.py:_explained": "a_statement_of_the_set_up_that_fails_is_corrected_or_removed",
    "scratch/by_url.py:copy": "what_cannot_start_from_the_models_starts_from_a_file",
    "scratch/by_url.py:start_by_url": (
        "another_dialects_server_and_packages_are_named_at_the_hook"
    ),
    "scratch/mysql_start.py:_require_pymysql": (
        "an_extra_that_is_missing_is_installed_by_the_command"
    ),
    "scratch/postgres_admin.py:_explained": (
        "a_statement_of_the_set_up_that_fails_is_corrected_or_removed"
    ),
    "scratch/postgres_start.py:_require_psycopg": (
        "an_extra_that_is_missing_is_installed_by_the_command"
    ),
    "scratch/private.py:start_private": ("binaries_of_mariadb_that_are_missing_are_installed"),
    "scratch/registry.py:_load": "a_package_that_cannot_be_imported_could_not_judge",
    "scratch/registry.py:find_starter": "a_dialect_without_scratch_databases_is_judged_by_the_text",
    "scratch/server.py:explained_for_url": "a_server_that_refuses_is_left_for_a_private_one",
    "static/judge.py:judge_static": "what_cannot_be_told_passes_with_a_note_or_blocks_by_setting",
    "system/limits.py:_raise_limit": "a_limit_that_the_shell_may_not_raise",
    "system/limits.py:working_directory": "a_working_directory_that_was_made_anew",
    "system/slots.py:hold_lock": "a_lock_that_another_run_holds_is_free_when_it_has_ended",
    "write_migration/drafting.py:draft": "a_folder_outside_of_the_repository_is_not_written_to",
    "write_migration/whole_files.py:replace_file": (
        "a_file_with_edits_that_are_not_staged_is_staged_by_the_command"
    ),
    "write_migration/whole_files.py:write_new": (
        "a_file_of_the_new_name_is_left_and_moved_by_the_command"
    ),
}


def messages() -> Iterator[str]:
    """Yield module and function of each message."""
    for path in sorted(SOURCE.rglob("*.py")):
        if path.is_relative_to(SOURCE / "probe"):
            continue
        tree = ast.parse(path.read_text())
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        for function in functions:
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "CouldNotJudge":
                    yield f"{path.relative_to(SOURCE).as_posix()}:{function.name}"


def test_each_message_is_in_the_list() -> None:
    """Who adds a message makes its state in a test, and types what it says."""
    assert sorted(TYPED) == sorted(set(messages()))


def test_the_tests_of_the_list_exist() -> None:
    texts = (path.read_text() for path in TESTS.rglob("test_*.py"))
    names = {name for text in texts for name in re.findall(r"def test_(\w+)\(", text)}
    assert set(TYPED.values()) <= names
