export const python = `description: Python 3 with pip, venv, and what extension modules are built with
packages: [python3, python3-venv, python3-pip, python3-dev, build-essential, git]
`;
