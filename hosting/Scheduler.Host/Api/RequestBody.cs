// Bodies of requests: bounded before they are read, then read strictly. Nothing is guessed: a field that is not known, comes
// twice, or has a value of another type is refused, with the place.
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Microsoft.Net.Http.Headers;

namespace Scheduler.Host.Api;

/// <summary>Reads the JSON body of a request.</summary>
internal static class RequestBody
{
    /// <summary>Most bytes: room for a volume group of 64 paths of 512 characters.</summary>
    public const int BytesMax = 64 << 10;

    private const string Utf8Name = "utf-8";
    private const string NoText = "the body has an escape that stands for half a character (\\uD800 to \\uDFFF alone)";

    /// <summary>Reads a body.</summary>
    /// <typeparam name="T">What it is.</typeparam>
    /// <param name="request">The request.</param>
    /// <param name="type">How it is read.</param>
    /// <returns>What was in it.</returns>
    /// <exception cref="ApiRefusal">It is too long, not JSON, or not a <typeparamref name="T"/>.</exception>
    public static async Task<T> ReadAsync<T>(HttpRequest request, JsonTypeInfo<T> type)
        where T : class
    {
        if (!IsJson(request.ContentType))
            throw new ApiRefusal(StatusCodes.Status415UnsupportedMediaType, TypeProblem(request.ContentType));

        byte[] body = await ReadBytesAsync(request);
        int invalid = Utf8.IsValid(body) ? -1 : InvalidAt(body);
        if (invalid >= 0)
            throw Wrong($"the body is not UTF-8 at byte {invalid}");
        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw Wrong($"the body is null; it has to be an object with {Fields(type)}");
        }
        catch (JsonException exception)
        {
            throw Wrong(Explain(body, type, exception));
        }
        catch (InvalidOperationException)
        {
            throw Wrong(NoText);
        }
    }

    /// <summary>What is wrong with a type of body.</summary>
    /// <param name="contentType">The type; null: none is given.</param>
    /// <returns>For a problem.</returns>
    public static string TypeProblem(string? contentType) => $"the body is of type '{ApiRefusal.Shown(contentType ?? "")}'; it has to be application/json in UTF-8";

    private static bool IsJson(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals(Utf8Name, StringComparison.OrdinalIgnoreCase));

    private static async Task<byte[]> ReadBytesAsync(HttpRequest request)
    {
        if (request.ContentLength > BytesMax)
            throw TooLong();
        byte[] bytes = new byte[(int)(request.ContentLength ?? BytesMax) + 1];
        int count = await request.Body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, request.HttpContext.RequestAborted);
        return count <= BytesMax ? bytes[..count] : throw TooLong();
    }

    private static ApiRefusal TooLong() =>
        new(StatusCodes.Status413PayloadTooLarge, $"the body is longer than {BytesMax} bytes, the most that is read");

    private static ApiRefusal Wrong(string detail) => new(StatusCodes.Status400BadRequest, detail);

    private static int InvalidAt(byte[] body)
    {
        int at = 0;
        while (Rune.DecodeFromUtf8(body.AsSpan(at), out _, out int length) == System.Buffers.OperationStatus.Done)
            at += length;
        return at;
    }

    // What the reader says names types of this program; the place is right.
    private static string Explain(byte[] body, JsonTypeInfo type, JsonException exception)
    {
        try
        {
            return ExplainText(body, type, exception);
        }
        catch (InvalidOperationException)
        {
            return NoText;
        }
    }

    private static string ExplainText(byte[] body, JsonTypeInfo type, JsonException exception)
    {
        string place = $"line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}";
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = type.Options.MaxDepth });
        }
        catch (JsonException syntax)
        {
            string reason = syntax.Message.Split(" LineNumber: ")[0].TrimEnd('.', ' ', '|');
            return $"the body is not JSON at line {syntax.LineNumber + 1}, byte {syntax.BytePositionInLine + 1}: {reason}";
        }

        using (document)
        {
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                return $"the body is {ApiRefusal.Shown(root.GetRawText())}; it has to be an object with {Fields(type)}";
            HashSet<string> seen = new(StringComparer.Ordinal);
            foreach (JsonProperty field in root.EnumerateObject())
            {
                if (type.Properties.All(known => known.Name != field.Name))
                    return $"there is no field '{ApiRefusal.Shown(field.Name)}' ({place}); the fields are {Fields(type)}";
                if (!seen.Add(field.Name))
                    return $"field {field.Name} comes twice ({place})";
            }

            string name = (exception.Path ?? "").TrimStart('$', '.').Split('.', '[')[0];
            return type.Properties.FirstOrDefault(known => known.Name == name) is not { } wrong || !root.TryGetProperty(name, out JsonElement value)
                ? $"the body can't be read at {place}: {exception.Message}"
                : value.ValueKind == JsonValueKind.String && wrong.PropertyType == typeof(string) ? NoText
                : $"{name} is {ApiRefusal.Shown(value.GetRawText())} ({place}); it has to be {Words(wrong.PropertyType)}";
        }
    }

    private static string Fields(JsonTypeInfo type) => string.Join(", ", type.Properties.Select(property => property.Name));

    private static string Words(Type type)
    {
        Type inner = Nullable.GetUnderlyingType(type) ?? type;
        return inner == typeof(string) ? "text"
            : inner == typeof(bool) ? "true or false"
            : inner == typeof(int) ? $"a whole number, up to {int.MaxValue}"
            : inner == typeof(long) ? $"a whole number, up to {long.MaxValue}"
            : inner.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(inner).Select(JsonNamingPolicy.KebabCaseLower.ConvertName))}"
            : "a list of texts";
    }
}
