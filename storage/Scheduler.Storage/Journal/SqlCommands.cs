using System.Data.Common;
using System.Runtime.InteropServices;

namespace Scheduler.Storage.Journal;

/// <summary>Commands in the SQL that SQLite and PostgreSQL share.</summary>
internal static class SqlCommands
{
    /// <summary>A command with its parameters, named as in the text.</summary>
    public static DbCommand Command(this DbConnection connection, string text, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        DbCommand command = connection.CreateCommand();
        command.CommandText = text;
        foreach ((string name, object? value) in parameters)
        {
            DbParameter parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value ?? DBNull.Value;
            _ = command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>Runs a command that answers nothing.</summary>
    /// <returns>Rows that it changed.</returns>
    public static async Task<int> ExecuteAsync(this DbConnection connection, string text, CancellationToken cancellation)
    {
        await using DbCommand command = connection.Command(text);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Runs a command that answers one number or nothing.</summary>
    public static async Task<long?> NumberAsync(this DbCommand command, CancellationToken cancellation) =>
        await command.ExecuteScalarAsync(cancellation) is object answer and not DBNull
            ? Convert.ToInt64(answer, System.Globalization.CultureInfo.InvariantCulture)
            : null;

    /// <summary>The first column of all rows.</summary>
    public static async Task<List<string>> TextsAsync(this DbCommand command, CancellationToken cancellation)
    {
        List<string> texts = [];
        await using DbDataReader reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            texts.Add(reader.GetString(0));
        return texts;
    }

    /// <summary>Bytes as both drivers take them, without a copy where they are a whole array already.</summary>
    public static byte[] Bytes(ReadOnlyMemory<byte> memory) =>
        MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> segment) && segment.Offset == 0 && segment.Array!.Length == segment.Count
            ? segment.Array
            : memory.ToArray();

    /// <summary>A column that may be null.</summary>
    public static string? TextOrNull(this DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    /// <summary>A column that may be null.</summary>
    public static int? NumberOrNull(this DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt32(column);
}
