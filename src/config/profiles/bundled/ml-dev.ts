export const mlDev = `description: Python for data and models, with Jupyter, NumPy, pandas, scikit-learn
extends: [python]
vm:
  memory: 4G
  disk: 40G
packages:
  - jupyter-notebook
  - python3-numpy
  - python3-scipy
  - python3-pandas
  - python3-matplotlib
  - python3-sklearn
  - curl
`;
