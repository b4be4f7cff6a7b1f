export interface StateListProps {
  readonly label: string;
  readonly states: readonly {
    readonly name: string;
    readonly state: string;
    readonly good: boolean;
  }[];
}

/** Names and what state each is in, in words and not by colour alone. */
export function StateList({ label, states }: StateListProps) {
  return (
    <section className="states" aria-label={label}>
      <dl>
        {states.map(({ good, name, state }) => (
          <div key={name} className={good ? 'state state-good' : 'state state-off'}>
            <dt>{name}</dt>
            <dd>{state}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
