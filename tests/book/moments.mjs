// In which frames something begins, as the page says it; series are asked on standard input, as JSON.
import { Moments } from '../../elp/book/widgets/js/moments.js';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { series } = JSON.parse(Buffer.concat(chunks));
const found = series.map((rows) => {
  const moments = new Moments();
  return rows.map((row) => Object.entries(moments.push(row)).filter(([, so]) => so).map(([name]) => name));
});
process.stdout.write(JSON.stringify({ found }));
