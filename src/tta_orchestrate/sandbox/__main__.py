"""``python -m tta_orchestrate.sandbox``: the supervisor of one job."""

from tta_orchestrate.sandbox.supervisor import main

if __name__ == "__main__":
    main()
