using System.Text.Encodings.Web;
using System.Text.Json;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Persistence.Sql;
using Npgsql;
using Scheduler.Storage.Journal;

namespace Scheduler.Actors.Akka;

/// <summary>What persistent actors need on Akka.NET.</summary>
/// <param name="Journal">Where events are kept: a file's path or a connection string, as for <see cref="EventJournals.OpenAsync"/>, which has made
/// the tables.</param>
/// <param name="Format">How they are written.</param>
public sealed record AkkaPersistence(string Journal, EventFormat Format);

/// <summary>Sets up an actor system for <see cref="AkkaSystem"/>.</summary>
public static class AkkaEngine
{
    private static readonly JsonSerializerOptions s_quoted = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Adds what the seam's promises need: supervision's default is Stop, and the journal is the one of the other engines.</summary>
    /// <param name="builder">The actor system's builder.</param>
    /// <param name="persistence">The journal; null: there are no persistent actors.</param>
    /// <returns>The same builder.</returns>
    public static AkkaConfigurationBuilder WithSchedulerActors(this AkkaConfigurationBuilder builder, AkkaPersistence? persistence)
    {
        ArgumentNullException.ThrowIfNull(builder);
        _ = builder.AddHocon("akka.actor.guardian-supervisor-strategy = \"Akka.Actor.StoppingSupervisorStrategy\"", HoconAddMode.Prepend);
        if (persistence is null)
            return builder;
        return builder
            .WithCustomSerializer("scheduler-events", persistence.Format.Types, system => new EventSerializer(system, persistence.Format))
            .AddHocon(Journal(persistence.Journal).WithFallback(SqlPersistence.DefaultConfiguration), HoconAddMode.Prepend);
    }

    // The replay filter would leave out the events of a writer that comes back after another: a volume that returns to a node
    // that never stopped. It guards against two writers at once, whom the unique key keeps out. The tables' types are for the
    // journal to make, so nothing is made here.
    private static Config Journal(string place)
    {
        bool postgres = EventJournals.IsConnectionString(place);
        string database = $"""
            connection-string = {Quoted(postgres ? Postgres(place) : $"Data Source={place}")}
            provider-name = "{(postgres ? "PostgreSQL.15" : "SQLite.MS")}"
            auto-initialize = off
            """;
        return ConfigurationFactory.ParseString($$"""
            akka.persistence.journal {
              plugin = "akka.persistence.journal.sql"
              sql {
                {{database}}
                replay-filter.mode = off
              }
            }
            akka.persistence.snapshot-store {
              plugin = "akka.persistence.snapshot-store.sql"
              sql {
                {{database}}
              }
            }
            """);
    }

    // A server or role whose setting says that a commit need not be on its disk is overruled, as by the journal's own writer.
    private static string Postgres(string place)
    {
        NpgsqlConnectionStringBuilder settings = new(place) { ApplicationName = "scheduler", Enlist = false };
        settings.Options = $"{settings.Options} -c synchronous_commit=on".Trim();
        return settings.ToString();
    }

    private static string Quoted(string text) => JsonSerializer.Serialize(text, s_quoted);
}
